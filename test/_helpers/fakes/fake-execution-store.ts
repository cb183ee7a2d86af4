import type { OutboxItem, WfloEvent } from '../../../lib/audit/events.ts';
import { checkTransaction } from '../../../lib/aws/check-transaction.ts';
import { decodePosition, encodePosition } from '../../../lib/aws/cursor.ts';
import { type AttemptRecord, type ExecutionRecord, type LeaseRecord, SCHEMA } from '../../../lib/execution/records.ts';
import type {
  Change,
  Clock,
  ExecutionQuery,
  ExecutionStore,
  Ids,
  OutboxStore,
  Page,
  Records,
  Transaction,
} from '../../../lib/ports.ts';
import { holds } from './expectation.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIds } from './fake-ids.ts';

type AnyRecord = ExecutionRecord | AttemptRecord | LeaseRecord;

/** Execution store and outbox in one memory, as the two tables are written by one transaction. */
export class FakeExecutionStore implements ExecutionStore, OutboxStore {
  readonly #records = new Map<string, AnyRecord>();
  readonly #outbox: OutboxItem[] = [];
  readonly #clock: Clock;
  readonly #ids: Ids;
  /** Runs before a commit looks at the records; tests use it to let something else happen in between. */
  beforeCommit: ((transaction: Transaction) => void | Promise<void>) | undefined;

  constructor(options: { readonly clock?: Clock; readonly ids?: Ids } = {}) {
    this.#clock = options.clock ?? new FakeClock();
    this.#ids = options.ids ?? new FakeIds();
  }

  /** Puts records in without events. */
  seed(records: {
    readonly executions?: readonly ExecutionRecord[];
    readonly attempts?: readonly AttemptRecord[];
    readonly leases?: readonly LeaseRecord[];
  }): this {
    for (const record of records.executions ?? []) this.#put('execution', record);
    for (const record of records.attempts ?? []) this.#put('attempt', record);
    for (const record of records.leases ?? []) this.#put('lease', record);
    return this;
  }

  /** Every event that was committed, in order. */
  events(executionId?: string): readonly WfloEvent[] {
    return this.outbox(executionId).flatMap((item) => item.events);
  }

  outbox(executionId?: string): readonly OutboxItem[] {
    return this.#outbox.filter((item) => executionId === undefined || item.executionId === executionId);
  }

  async getExecution(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.#get('execution', executionId) as ExecutionRecord | undefined;
  }

  async getAttempt(executionId: string, path: string, attempt: number): Promise<AttemptRecord | undefined> {
    return this.#get('attempt', executionId, path, attempt) as AttemptRecord | undefined;
  }

  async listAttempts(executionId: string, path?: string): Promise<readonly AttemptRecord[]> {
    return this.#all<AttemptRecord>('attempt')
      .filter((record) => record.executionId === executionId && (path === undefined || record.path === path))
      .sort(byPathThenAttempt);
  }

  async getLease(executionId: string, path: string, attempt: number): Promise<LeaseRecord | undefined> {
    return this.#get('lease', executionId, path, attempt) as LeaseRecord | undefined;
  }

  async listLeases(executionId: string): Promise<readonly LeaseRecord[]> {
    return this.#all<LeaseRecord>('lease')
      .filter((record) => record.executionId === executionId)
      .sort(byPathThenAttempt);
  }

  async commit(transaction: Transaction): Promise<boolean> {
    const { executionId, changes, events } = transaction;
    checkTransaction(transaction);
    await this.beforeCommit?.(transaction);
    // Nothing below awaits, so no other commit can come in between.
    const written = new Map<string, AnyRecord>();
    for (const change of changes) {
      const key = keyOf(change.item, executionId, pathOf(change), attemptOf(change));
      const record = changed(this.#records.get(key), change);
      if (record === undefined) return false;
      written.set(key, record);
    }
    if (events.length > 0) {
      const key = keyOf('execution', executionId);
      const execution = (written.get(key) ?? this.#records.get(key)) as ExecutionRecord | undefined;
      if (execution === undefined) return false;
      written.set(key, { ...execution, eventCount: execution.eventCount + events.length });
      this.#outbox.push({
        schema: SCHEMA,
        executionId,
        outboxId: this.#ids.next(),
        events: structuredClone(events),
        createdAt: this.#clock.now().toISOString(),
      });
    }
    for (const [key, record] of written) this.#records.set(key, structuredClone(record));
    return true;
  }

  async listExecutions(query: ExecutionQuery): Promise<Page<ExecutionRecord>> {
    const after = query.cursor === undefined ? undefined : decodePosition(query.cursor);
    const matching = this.#all<ExecutionRecord>('execution')
      .filter((record) => record.tenant === query.tenant)
      .filter((record) => query.workflow === undefined || record.workflow === query.workflow)
      .filter((record) => query.status === undefined || record.status === query.status)
      .filter((record) => after === undefined || position(record) < after)
      .sort((a, b) => compare(position(b), position(a)));
    const items = matching.slice(0, query.limit);
    const last = items.at(-1);
    return matching.length > items.length && last !== undefined
      ? { items, cursor: encodePosition(position(last)) }
      : { items };
  }

  async due<K extends 'execution' | 'lease'>(item: K, now: Date, limit: number): Promise<readonly Records[K][]> {
    const before = now.toISOString();
    return this.#all<Records[K]>(item)
      .filter((record) => record.checkAt !== undefined && record.checkAt < before)
      .sort((a, b) => compare(a.checkAt ?? '', b.checkAt ?? ''))
      .slice(0, limit);
  }

  async listUnpublished(before: Date, limit: number): Promise<readonly OutboxItem[]> {
    return this.#outbox
      .filter((item) => item.publishedAt === undefined && item.createdAt < before.toISOString())
      .sort((a, b) => compare(a.createdAt, b.createdAt) || compare(a.outboxId, b.outboxId))
      .slice(0, limit)
      .map((item) => structuredClone(item));
  }

  async markPublished(item: OutboxItem, at: Date): Promise<void> {
    const index = this.#outbox.findIndex(
      (other) => other.executionId === item.executionId && other.outboxId === item.outboxId,
    );
    const stored = this.#outbox[index];
    if (stored !== undefined && stored.publishedAt === undefined)
      this.#outbox[index] = { ...stored, publishedAt: at.toISOString() };
  }

  #put(item: Change['item'], record: AnyRecord): void {
    const { path, attempt } = record as { path?: string; attempt?: number };
    this.#records.set(keyOf(item, record.executionId, path, attempt), structuredClone(record));
  }

  #get(item: Change['item'], executionId: string, path?: string, attempt?: number): AnyRecord | undefined {
    return structuredClone(this.#records.get(keyOf(item, executionId, path, attempt)));
  }

  #all<R extends AnyRecord>(item: Change['item']): R[] {
    return [...this.#records]
      .filter(([key]) => key.startsWith(`${item} `))
      .map(([, record]) => structuredClone(record) as R);
  }
}

function changed(stored: AnyRecord | undefined, change: Change): AnyRecord | undefined {
  if ('put' in change) return stored === undefined ? change.put : undefined;
  if (stored === undefined || !holds(stored, change.expect ?? {})) return undefined;
  const record: Record<string, unknown> = { ...stored, ...change.set };
  for (const field of change.remove ?? []) delete record[field];
  return record as unknown as AnyRecord;
}

function keyOf(item: Change['item'], executionId: string, path = '', attempt = 0): string {
  return `${item} ${executionId} ${path} ${attempt}`;
}

function pathOf(change: Change): string | undefined {
  return change.item === 'execution' ? undefined : change.path;
}

function attemptOf(change: Change): number | undefined {
  return change.item === 'execution' ? undefined : change.attempt;
}

function position(record: ExecutionRecord): string {
  return `${record.startedAt}#${record.executionId}`;
}

function byPathThenAttempt(a: AttemptRecord | LeaseRecord, b: AttemptRecord | LeaseRecord): number {
  return compare(a.path, b.path) || a.attempt - b.attempt;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
