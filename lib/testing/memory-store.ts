import { isDeepStrictEqual } from 'node:util';
import { byPathThenNumber } from '../approvals/approval-id.ts';
import {
  type ApprovalRecord,
  type AttemptRecord,
  type ExecutionRecord,
  type Freeze,
  type LeaseRecord,
  NOTHING_FROZEN,
} from '../execution/records.ts';
import type { Change, ExecutionStore, OpenCountChange, Page, Records, Transaction } from '../ports.ts';

type AnyRecord = Records[keyof Records];
type RecordChange = Exclude<Change, OpenCountChange>;

/** The records of one execution. Events are counted, and not kept: nobody reads the chain of a test. */
export class MemoryStore implements ExecutionStore {
  readonly #records = new Map<string, AnyRecord>();

  async getExecution(executionId: string): Promise<ExecutionRecord | undefined> {
    return this.#get(`execution ${executionId}`);
  }

  async getAttempt(executionId: string, path: string, attempt: number): Promise<AttemptRecord | undefined> {
    return this.#get(`attempt ${executionId} ${path} ${attempt}`);
  }

  async listAttempts(executionId: string, path?: string): Promise<readonly AttemptRecord[]> {
    return this.#all<AttemptRecord>(`attempt ${executionId} `)
      .filter((record) => path === undefined || record.path === path)
      .sort(byPathThenAttempt);
  }

  async getLease(executionId: string, path: string, attempt: number): Promise<LeaseRecord | undefined> {
    return this.#get(`lease ${executionId} ${path} ${attempt}`);
  }

  async listLeases(executionId: string): Promise<readonly LeaseRecord[]> {
    return this.#all<LeaseRecord>(`lease ${executionId} `).sort(byPathThenAttempt);
  }

  async getApproval(approvalId: string): Promise<ApprovalRecord | undefined> {
    return this.#get(`approval ${approvalId}`);
  }

  async listApprovals(executionId: string): Promise<readonly ApprovalRecord[]> {
    return this.#all<ApprovalRecord>(`approval ${executionId}:`).sort(byPathThenNumber);
  }

  /** All or nothing: nothing awaits between the look and the write. */
  async commit({ executionId, changes, events }: Transaction): Promise<boolean> {
    const written = new Map<string, AnyRecord>();
    for (const change of changes) {
      // One execution alone is never one too many.
      if (change.item === 'openCount') continue;
      const key = keyOf(executionId, change);
      const record = changed(this.#records.get(key), change);
      if (record === undefined) return false;
      written.set(key, record);
    }
    for (const [key, record] of written) this.#records.set(key, structuredClone(record));
    const execution = this.#records.get(`execution ${executionId}`) as ExecutionRecord | undefined;
    if (execution !== undefined && events.length > 0) {
      const eventCount = execution.eventCount + events.length;
      this.#records.set(`execution ${executionId}`, { ...execution, eventCount });
    }
    return true;
  }

  async getFreeze(): Promise<Freeze> {
    return NOTHING_FROZEN;
  }

  async setFreeze(): Promise<boolean> {
    return false;
  }

  async openCount(): Promise<number> {
    return 0;
  }

  async queryApprovals(): Promise<Page<ApprovalRecord>> {
    return { items: [] };
  }

  async listExecutions(): Promise<Page<ExecutionRecord>> {
    return { items: [] };
  }

  async due(): Promise<readonly []> {
    return [];
  }

  #get<R extends AnyRecord>(key: string): R | undefined {
    return structuredClone(this.#records.get(key)) as R | undefined;
  }

  #all<R extends AnyRecord>(prefix: string): R[] {
    return [...this.#records]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, record]) => structuredClone(record) as R);
  }
}

function keyOf(executionId: string, change: RecordChange): string {
  if (change.item === 'execution') return `execution ${executionId}`;
  if (change.item === 'approval') return `approval ${change.approvalId}`;
  return `${change.item} ${executionId} ${change.path} ${change.attempt}`;
}

function changed(stored: AnyRecord | undefined, change: RecordChange): AnyRecord | undefined {
  if ('put' in change) return stored === undefined ? change.put : undefined;
  if (stored === undefined || !holds(stored, change.expect ?? {})) return undefined;
  const record: Record<string, unknown> = { ...stored, ...change.set };
  for (const field of change.remove ?? []) delete record[field];
  return record as unknown as AnyRecord;
}

function holds(record: object, expect: object): boolean {
  return Object.entries(expect).every(([field, wanted]: [string, unknown]) => {
    const value = (record as Record<string, unknown>)[field];
    if (typeof wanted !== 'object' || wanted === null) return value === wanted;
    if ('oneOf' in wanted && Array.isArray(wanted.oneOf)) return wanted.oneOf.includes(value);
    if ('absent' in wanted) return value === undefined;
    return isDeepStrictEqual(value, wanted);
  });
}

function byPathThenAttempt(a: AttemptRecord | LeaseRecord, b: AttemptRecord | LeaseRecord): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.attempt - b.attempt;
}
