import { byPathThenNumber, executionIdOfApproval } from '../../../lib/approvals/approval-id.ts';
import type { OutboxItem, WfloEvent } from '../../../lib/audit/events.ts';
import { checkTransaction, recordName } from '../../../lib/aws/check-transaction.ts';
import { decodeApprovalPosition, decodePosition, encodePosition } from '../../../lib/aws/cursor.ts';
import { chainOf } from '../../../lib/aws/freeze-switch.ts';
import type { RecordChange } from '../../../lib/aws/state-keys.ts';
import {
  type ApprovalRecord,
  type AttemptRecord,
  type ExecutionRecord,
  type Freeze,
  type LeaseRecord,
  NOTHING_FROZEN,
  SCHEMA,
} from '../../../lib/execution/records.ts';
import type {
  ApprovalQuery,
  Change,
  Clock,
  ExecutionQuery,
  ExecutionStore,
  Ids,
  OpenCountChange,
  OutboxStore,
  Page,
  Records,
  Transaction,
} from '../../../lib/ports.ts';
import { holds } from './expectation.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIds } from './fake-ids.ts';

type AnyRecord = Records[keyof Records];

/** Execution store and outbox in one memory, as the two tables are written by one transaction. */
export class FakeExecutionStore implements ExecutionStore, OutboxStore {
  readonly #records = new Map<string, AnyRecord>();
  readonly #open = new Map<string, number>();
  readonly #chainEvents = new Map<string, number>();
  readonly #outbox: OutboxItem[] = [];
  #freeze = NOTHING_FROZEN;
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
    readonly approvals?: readonly ApprovalRecord[];
    readonly open?: readonly { readonly tenant: string; readonly workflow: string; readonly open: number }[];
    readonly freeze?: Freeze;
  }): this {
    const put = (name: string, record: AnyRecord) => {
      this.#records.set(`${record.executionId} ${name}`, structuredClone(record));
    };
    for (const record of records.executions ?? []) put('execution', record);
    for (const record of records.attempts ?? []) put(`attempt ${record.path} ${record.attempt}`, record);
    for (const record of records.leases ?? []) put(`lease ${record.path} ${record.attempt}`, record);
    for (const record of records.approvals ?? []) put(`approval ${record.approvalId}`, record);
    for (const { tenant, workflow, open } of records.open ?? [])
      this.#open.set(`openCount ${tenant} ${workflow}`, open);
    if (records.freeze !== undefined) this.#freeze = structuredClone(records.freeze);
    return this;
  }

  /** Every event that was committed, in order. */
  events(executionId?: string): readonly WfloEvent[] {
    return this.outbox(executionId).flatMap((item) => item.events);
  }

  outbox(executionId?: string): readonly OutboxItem[] {
    return executionId === undefined
      ? [...this.#outbox]
      : this.#outbox.filter((item) => item.executionId === executionId);
  }

  /** Events that were written to the chain of a tenant. */
  chainEvents(chainId: string): number {
    return this.#chainEvents.get(chainId) ?? 0;
  }

  async getExecution(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.#get<ExecutionRecord>(executionId, 'execution');
  }

  async getAttempt(executionId: string, path: string, attempt: number): Promise<AttemptRecord | undefined> {
    return this.#get<AttemptRecord>(executionId, `attempt ${path} ${attempt}`);
  }

  async listAttempts(executionId: string, path?: string): Promise<readonly AttemptRecord[]> {
    return this.#all<AttemptRecord>('attempt', executionId)
      .filter((record) => path === undefined || record.path === path)
      .sort(byPathThenAttempt);
  }

  async getLease(executionId: string, path: string, attempt: number): Promise<LeaseRecord | undefined> {
    return this.#get<LeaseRecord>(executionId, `lease ${path} ${attempt}`);
  }

  async listLeases(executionId: string): Promise<readonly LeaseRecord[]> {
    return this.#all<LeaseRecord>('lease', executionId).sort(byPathThenAttempt);
  }

  async getApproval(approvalId: string): Promise<ApprovalRecord | undefined> {
    return this.#get<ApprovalRecord>(executionIdOfApproval(approvalId), `approval ${approvalId}`);
  }

  async listApprovals(executionId: string): Promise<readonly ApprovalRecord[]> {
    return this.#all<ApprovalRecord>('approval', executionId).sort(byPathThenNumber);
  }

  async queryApprovals(query: ApprovalQuery): Promise<Page<ApprovalRecord>> {
    const after = query.cursor === undefined ? undefined : decodeApprovalPosition(query.cursor);
    return pageOf(
      this.#all<ApprovalRecord>('approval')
        .filter((record) => record.tenant === query.tenant)
        .filter((record) => query.all || record.status === 'pending'),
      (record) => `${record.requestedAt}#${record.approvalId}`,
      query.limit,
      after,
    );
  }

  async openCount(tenant: string, workflow: string): Promise<number> {
    return this.#open.get(`openCount ${tenant} ${workflow}`) ?? 0;
  }

  async getFreeze(): Promise<Freeze> {
    return structuredClone(this.#freeze);
  }

  async setFreeze(freeze: Freeze, events: readonly WfloEvent[]): Promise<boolean> {
    const chainId = chainOf(events);
    if (this.#freeze.version !== freeze.version - 1) return false;
    this.#freeze = structuredClone(freeze);
    if (chainId !== undefined) {
      this.#chainEvents.set(chainId, this.chainEvents(chainId) + events.length);
      this.#append(chainId, events);
    }
    return true;
  }

  async commit(transaction: Transaction): Promise<boolean> {
    const { executionId, changes, events } = transaction;
    checkTransaction(transaction);
    await this.beforeCommit?.(transaction);
    // Nothing below awaits, so no other commit can come in between.
    const written = new Map<string, AnyRecord>();
    const counted = new Map<string, number>();
    for (const change of changes) {
      const name = recordName(change);
      if (change.item === 'openCount') {
        const open = countedUp(this.#open.get(name) ?? 0, change);
        if (open === undefined) return false;
        counted.set(name, open);
        continue;
      }
      const key = `${executionId} ${name}`;
      const record = changed(this.#records.get(key), change);
      if (record === undefined) return false;
      written.set(key, record);
    }
    if (events.length > 0) {
      const key = `${executionId} execution`;
      const execution = (written.get(key) ?? this.#records.get(key)) as ExecutionRecord | undefined;
      if (execution === undefined) return false;
      written.set(key, { ...execution, eventCount: execution.eventCount + events.length });
      this.#append(executionId, events);
    }
    for (const [key, record] of written) this.#records.set(key, structuredClone(record));
    for (const [key, open] of counted) this.#open.set(key, open);
    return true;
  }

  async listExecutions(query: ExecutionQuery): Promise<Page<ExecutionRecord>> {
    const after = query.cursor === undefined ? undefined : decodePosition(query.cursor);
    return pageOf(
      this.#all<ExecutionRecord>('execution')
        .filter((record) => record.tenant === query.tenant)
        .filter((record) => query.workflow === undefined || record.workflow === query.workflow)
        .filter((record) => query.status === undefined || record.status === query.status),
      (record) => `${record.startedAt}#${record.executionId}`,
      query.limit,
      after,
    );
  }

  async due<K extends 'execution' | 'lease' | 'approval'>(
    item: K,
    now: Date,
    limit: number,
  ): Promise<readonly Records[K][]> {
    const before = now.toISOString();
    return [...this.#records]
      .flatMap(([key, record]) => (key.split(' ')[1] === item ? [record as Records[K]] : []))
      .filter((record) => record.checkAt !== undefined && record.checkAt < before)
      .map((record) => structuredClone(record))
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

  #append(executionId: string, events: readonly WfloEvent[]): void {
    this.#outbox.push({
      schema: SCHEMA,
      executionId,
      outboxId: this.#ids.next(),
      events: structuredClone(events),
      createdAt: this.#clock.now().toISOString(),
    });
  }

  #get<R extends AnyRecord>(executionId: string, name: string): R | undefined {
    return structuredClone(this.#records.get(`${executionId} ${name}`)) as R | undefined;
  }

  /** Those of one execution, or of all. */
  #all<R extends AnyRecord>(item: Change['item'], executionId?: string): R[] {
    const found: R[] = [];
    const prefix = `${executionId} ${item}`;
    for (const [key, record] of this.#records) {
      if (executionId === undefined ? key.split(' ')[1] !== item : !key.startsWith(prefix)) continue;
      found.push(structuredClone(record) as R);
    }
    return found;
  }
}

function changed(stored: AnyRecord | undefined, change: RecordChange): AnyRecord | undefined {
  if ('put' in change) return stored === undefined ? change.put : undefined;
  if (stored === undefined || !holds(stored, change.expect ?? {})) return undefined;
  const record: Record<string, unknown> = { ...stored, ...change.set };
  for (const field of change.remove ?? []) delete record[field];
  return record as unknown as AnyRecord;
}

function countedUp(open: number, { add, limit }: OpenCountChange): number | undefined {
  const holds = add === 1 ? limit === undefined || open < limit : open > 0;
  return holds ? open + add : undefined;
}

/** Newest first, from the position of a cursor. */
function pageOf<R>(records: readonly R[], position: (record: R) => string, limit: number, after?: string): Page<R> {
  const matching = records
    .filter((record) => after === undefined || position(record) < after)
    .sort((a, b) => compare(position(b), position(a)));
  const items = matching.slice(0, limit);
  const last = items.at(-1);
  return matching.length > items.length && last !== undefined
    ? { items, cursor: encodePosition(position(last)) }
    : { items };
}

function byPathThenAttempt(a: AttemptRecord | LeaseRecord, b: AttemptRecord | LeaseRecord): number {
  return compare(a.path, b.path) || a.attempt - b.attempt;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
