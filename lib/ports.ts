/**
 * What the domain needs from outside. The AWS adapters are in `lib/aws`, the fakes for tests in `test/_helpers`;
 * both pass the same contract tests.
 */
import type { ChainHead, ChainRecord, OutboxItem, WfloEvent } from './audit/events.ts';
import type { WorkflowConfig } from './execution/machine.ts';
import type {
  ApprovalRecord,
  AttemptRecord,
  ExecutionRecord,
  Freeze,
  Handle,
  LeaseRecord,
} from './execution/records.ts';
import type { ExecutionStatus } from './execution/status.ts';
import type { Json } from './json.ts';
import type { GroupRecord, PersonRecord } from './people/records.ts';
import type { LogLine, UrlsAnswer } from './sandbox/protocol.ts';

export type { Announcements, Budgets, Ledger, ProviderRecords, RecordedUsage } from './budget/ports.ts';

export interface Clock {
  now(): Date;
}

export interface Ids {
  /** A ULID: unique, and sorted by time. */
  next(): string;
  /** 32 random bytes, base64url. */
  secret(): string;
}

// ---- State and outbox ------------------------------------------------------------------------------------------

/** Holds when every named field has this value, one of these values, or is absent. */
export type Expect<R> = {
  readonly [K in keyof R]?: R[K] | { readonly oneOf: readonly R[K][] } | { readonly absent: true };
};

export interface Records {
  readonly execution: ExecutionRecord;
  readonly attempt: AttemptRecord;
  readonly lease: LeaseRecord;
  readonly approval: ApprovalRecord;
}

interface Address {
  readonly execution: object;
  readonly attempt: { readonly path: string; readonly attempt: number };
  readonly lease: { readonly path: string; readonly attempt: number };
  readonly approval: { readonly approvalId: string };
}

/** One change of one record. `put` expects that there is none; `set` and a bare `expect` that there is one. */
export type ChangeOf<K extends keyof Records> = { readonly item: K } & Address[K] &
  (
    | { readonly put: Records[K] }
    | {
        readonly set?: Partial<Records[K]>;
        readonly remove?: readonly (keyof Records[K] & string)[];
        readonly expect?: Expect<Records[K]>;
      }
  );
export type Change =
  | ChangeOf<'execution'>
  | ChangeOf<'attempt'>
  | ChangeOf<'lease'>
  | ChangeOf<'approval'>
  | OpenCountChange;

/** Counts the open executions of a workflow in a tenant; up only while there are fewer than `limit`. */
export interface OpenCountChange {
  readonly item: 'openCount';
  readonly tenant: string;
  readonly workflow: string;
  readonly add: 1 | -1;
  readonly limit?: number;
}

/**
 * State and event are written together: all changes and one outbox item with all events, or nothing. At most one
 * change per record. Where there are events, `eventCount` of the execution counts up by their number.
 */
export interface Transaction {
  readonly executionId: string;
  readonly changes: readonly Change[];
  /** Empty only for what is not a change of state: a heartbeat, a rotated code, a moved `checkAt`. */
  readonly events: readonly WfloEvent[];
}

export interface ExecutionQuery {
  readonly tenant: string;
  readonly workflow?: string;
  readonly status?: ExecutionStatus;
  /** At most this many, newest first. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface ApprovalQuery {
  readonly tenant: string;
  readonly all: boolean;
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Present where there may be more. */
  readonly cursor?: string;
}

export interface ExecutionStore {
  /** All reads of single records are strongly consistent. */
  getExecution(executionId: string): Promise<ExecutionRecord | undefined>;
  getAttempt(executionId: string, path: string, attempt: number): Promise<AttemptRecord | undefined>;
  /** By path, then attempt; only those of `path` where it is given. */
  listAttempts(executionId: string, path?: string): Promise<readonly AttemptRecord[]>;
  getLease(executionId: string, path: string, attempt: number): Promise<LeaseRecord | undefined>;
  listLeases(executionId: string): Promise<readonly LeaseRecord[]>;
  getApproval(approvalId: string): Promise<ApprovalRecord | undefined>;
  /** By path, then number. */
  listApprovals(executionId: string): Promise<readonly ApprovalRecord[]>;
  /** Of a tenant, newest first; only pending ones unless `all`. Eventually consistent. */
  queryApprovals(query: ApprovalQuery): Promise<Page<ApprovalRecord>>;
  /** How many executions of a workflow are open in a tenant, where its workflow bounds them. */
  openCount(tenant: string, workflow: string): Promise<number>;
  /** The emergency stop; empty where there is none. Strongly consistent. */
  getFreeze(): Promise<Freeze>;
  /** `events` are of the chain of a tenant. False when the stored version is not the one before this. */
  setFreeze(freeze: Freeze, events: readonly WfloEvent[]): Promise<boolean>;
  /** False when an expectation did not hold: nothing was written. Conflicts with other transactions are retried inside. */
  commit(transaction: Transaction): Promise<boolean>;
  listExecutions(query: ExecutionQuery): Promise<Page<ExecutionRecord>>;
  /** Records whose `checkAt` is before `now`, oldest first. Eventually consistent. */
  due<K extends 'execution' | 'lease' | 'approval'>(item: K, now: Date, limit: number): Promise<readonly Records[K][]>;
}

// ---- People ----------------------------------------------------------------------------------------------------

/** What decisions and claims read of people. All reads are strongly consistent. */
export interface People {
  getPerson(tenant: string, personId: string): Promise<PersonRecord | undefined>;
  getGroup(tenant: string, group: string): Promise<GroupRecord | undefined>;
}

// ---- Task tokens -----------------------------------------------------------------------------------------------

/** Write side: nobody who writes tokens reads them. */
export interface TaskTokenWriter {
  /**
   * The one that was asked with last wins: a state that is tried again has a new one, and the call of the try before,
   * which nobody waits for any more, may still be on its way.
   */
  put(approvalId: string, token: string, askedAt: Date): Promise<void>;
}

export interface TaskTokenReader {
  get(approvalId: string): Promise<string | undefined>;
  /** Once it is of no use. */
  remove(approvalId: string): Promise<void>;
}

export interface OutboxStore {
  /** Items without `publishedAt` that were created before `before`, oldest first. Eventually consistent. */
  listUnpublished(before: Date, limit: number): Promise<readonly OutboxItem[]>;
  /** Sets `publishedAt` and lets the item expire. */
  markPublished(item: OutboxItem, at: Date): Promise<void>;
}

// ---- Blobs -----------------------------------------------------------------------------------------------------

export interface BlobStore {
  /** Stores under a name that is unique in the execution; the same name and value again is a no-op. */
  put(executionId: string, name: string, value: Json): Promise<Handle>;
  /** Throws `payload_changed` when the stored bytes do not have the handle's hash. */
  get(executionId: string, handle: Handle): Promise<Json>;
  /** A GET URL for an object key, valid for 15 minutes at most. */
  downloadUrl(key: string): Promise<string>;
  /** A PUT URL bound to key, length and SHA-256, valid for 15 minutes at most. */
  uploadUrl(key: string, bytes: number, sha256: string): Promise<UrlsAnswer>;
  /** Reads an uploaded object as text; throws `invalid_request` when it is missing or differs in size or hash. */
  getUpload(key: string, bytes: number, sha256: string): Promise<string>;
  /** Throws `invalid_request` unless the uploaded object has this size and hash. Reads none of its content. */
  checkUpload(key: string, bytes: number, sha256: string): Promise<void>;
  /** A PUT URL for a key, with no signed length, valid for 15 minutes at most. Only for `outcome.json`. */
  outcomeUrl(key: string): Promise<string>;
  /** A small object as text; undefined where there is none. Throws `invalid_request` above `limitBytes`, reading nothing. */
  readSmall(key: string, limitBytes: number): Promise<string | undefined>;
}

// ---- Events ----------------------------------------------------------------------------------------------------

export interface AuditStore {
  /** Appends the events of one outbox item in one transaction. The same item again returns its records, appending nothing. */
  append(item: OutboxItem): Promise<readonly ChainRecord[]>;
  /** Records with `seq` above `after`, in order. */
  list(executionId: string, after: number, limit: number): Promise<Page<ChainRecord>>;
  head(executionId: string): Promise<ChainHead | undefined>;
}

export interface EventBus {
  /** Throws when any entry was not accepted. */
  publish(records: readonly ChainRecord[]): Promise<void>;
}

// ---- Engine ----------------------------------------------------------------------------------------------------

export interface TaskState {
  readonly taskArn: string;
  readonly taskDefinitionArn: string;
  readonly clusterArn: string;
  readonly lastStatus: string;
  /** Times are ISO 8601. From the start of the pull to the stop, Fargate bills a task; one that was never pulled it does not. */
  readonly createdAt?: string;
  readonly pullStartedAt?: string;
  readonly stoppedAt?: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly exitCode?: number;
  /** Reason of the container, such as `OutOfMemoryError: …`. */
  readonly containerReason?: string;
  /** Its address in the VPC, once it has one. */
  readonly privateIpv4?: string;
  /** Environment overrides of the sandbox container. */
  readonly environment: { readonly [name: string]: string };
}

export interface SandboxTasks {
  describe(taskArn: string): Promise<TaskState | undefined>;
  /**
   * The task that was started for a lease, by its overrides: running, or stopped within the last hour. Looks at every
   * task of the cluster, 100 a call: only for a lease whose task is unknown.
   */
  findByLease(leaseId: string): Promise<TaskState | undefined>;
  /** No error when it has stopped already. */
  stop(taskArn: string, reason: string): Promise<void>;
  /** ARNs of all running tasks of the cluster. */
  listRunning(): Promise<readonly string[]>;
}

export interface MachineExecution {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly input?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** What can be started. A workflow that was removed is not among them, though executions of it may be open. */
export interface Workflows {
  /** Sorted. */
  names(): Promise<readonly string[]>;
  /** What is embedded in the deployed definition; undefined where no such workflow is deployed. */
  config(workflow: string): Promise<WorkflowConfig | undefined>;
}

export interface StateMachines {
  executionArn(executionId: string): string;
  /** `exists`: an execution of this name exists, open or closed, with whatever input. */
  start(executionId: string, input: Json): Promise<'started' | 'exists'>;
  describe(executionArn: string): Promise<MachineExecution | undefined>;
  /** No error when it has ended already. */
  stop(executionArn: string, error: string, cause: string): Promise<void>;
}

export interface WaitingStates {
  /** `gone`: the state waits no more, or never knew the token. */
  resume(token: string, output: Json): Promise<'resumed' | 'gone'>;
}

export interface StepFunctionInvoker {
  /** Invokes a function version and waits. A function error comes back as data. */
  invoke(
    functionArn: string,
    input: Json,
    context: {
      readonly idempotencyKey: string;
      readonly executionId: string;
      readonly stepPath: string;
      readonly attempt: number;
    },
    timeoutSeconds: number,
  ): Promise<
    | { readonly ok: true; readonly output: Json }
    | { readonly ok: false; readonly timedOut: boolean; readonly message: string }
  >;
}

// ---- Logs ------------------------------------------------------------------------------------------------------

export interface StepLogLine extends LogLine {
  readonly executionId: string;
  readonly stepPath: string;
  readonly attempt: number;
}

export interface StepLogs {
  write(executionId: string, stepPath: string, attempt: number, lines: readonly LogLine[]): Promise<void>;
  /** In time order. The cursor also continues past the end, for `--follow`. */
  read(
    executionId: string,
    query: { readonly stepPath?: string; readonly cursor?: string; readonly limit: number },
  ): Promise<Page<StepLogLine>>;
}
