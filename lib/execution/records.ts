import type { RateLimits, Scope } from '../budget/ledger.ts';
import type { NanoUsd } from '../budget/money.ts';
import type { FargateRates, PriceBook } from '../budget/price-book.ts';
import type { ErrorData } from '../errors.ts';
import type { Role } from '../people/roles.ts';
import type { Exit } from '../sandbox/exit.ts';
import type { Usage, WorkspaceObject } from '../sandbox/protocol.ts';
import type { ApprovalPolicy, Quorum } from '../workflow/definition.ts';
import type { ApprovalStatus, AttemptStatus, EndingStatus, ExecutionStatus } from './status.ts';

/** The number that state data, records and events carry; handlers accept this one and the one before. */
export const SCHEMA = 1;

/** Names a stored JSON value: an item of the State table up to 32 KiB, an S3 object above. */
export interface Handle {
  readonly at: 'item' | 's3';
  readonly key: string;
  /** Hex SHA-256 of the stored bytes. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Above this many bytes a value moves by S3 and by presigned URL instead of inline (32 KiB). */
export const INLINE_LIMIT_BYTES = 32 * 1024;

/** Who did something. `verified: false`: nothing proves it. */
export interface Actor {
  readonly type: 'person' | 'principal' | 'system' | 'runner' | 'unverified';
  readonly id: string;
  /** The door it came through: `api`, `step-functions`, `sandbox`, `reconcile` … */
  readonly via: string;
}

/** `META`: one per execution. Times are ISO 8601 in UTC with milliseconds. */
export interface ExecutionRecord {
  readonly schema: number;
  readonly executionId: string;
  readonly workflow: string;
  readonly tenant: string;
  readonly status: ExecutionStatus;
  readonly executionArn: string;
  readonly requester: Actor;
  /** SHA-256 of the canonical input as it was given to StartExecution. */
  readonly inputHash: string;
  readonly input?: Handle;
  readonly output?: Handle;
  readonly error?: ErrorData;
  /** Written by whoever ends the execution, before the state machine is stopped or fails. */
  readonly ending?: Ending;
  readonly definitionHash?: string;
  /** Declared steps in the order of the definition; with kind, for `status`. */
  readonly steps: readonly DeclaredStep[];
  readonly startedAt: string;
  readonly endedAt?: string;
  /** When the workflow's own `timeout` is over. */
  readonly timeoutAt?: string;
  /** What a budget that does not suffice means for it, and its limit at the start (nano-USD); the ledger has the present one. */
  readonly budget?: { readonly onExceeded: OnExceeded; readonly limit?: number };
  /** How many approvals of this execution are pending; absent: none. Above 0 the status is `waiting_approval`. */
  readonly openApprovals?: number;
  /** The tenant in which it counts among the open executions of its workflow; whoever ends it counts it off. */
  readonly counted?: string;
  /** How many events this execution's transactions have written. Counted by `commit`, never set. */
  readonly eventCount: number;
  /** When `reconcile` looks at it next; absent once it is final. */
  readonly checkAt?: string;
  /** Correlates logs and traces: the X-Ray root trace id where there is one, else the execution id. */
  readonly traceId: string;
}

/** Of all sandboxes of a deployment. */
export type Architecture = keyof PriceBook['fargate'];

export type StepKind = 'sandbox' | 'lambda' | 'approval';

export interface DeclaredStep {
  readonly path: string;
  readonly kind: StepKind;
}

export interface Ending {
  readonly status: EndingStatus;
  readonly actor: Actor;
  readonly reason: string;
  readonly error?: ErrorData;
  /** When it was written, by whoever stops the machine after that. */
  readonly at?: string;
}

/** `STEP#<path>#<attempt>`: one entry of Prepare. */
export interface AttemptRecord {
  readonly schema: number;
  readonly executionId: string;
  readonly path: string;
  readonly kind: StepKind;
  /** From 1. */
  readonly attempt: number;
  /** `$$.State.EnteredTime` of the Prepare that made it: the same entry always gets the same attempt. */
  readonly enteredAt: string;
  readonly status: AttemptStatus;
  /** A repeat does no harm: the step has no effects, or is idempotent. */
  readonly harmless: boolean;
  /** The frozen canonical payload and the hash of it. */
  readonly payload?: Handle;
  readonly payloadHash?: string;
  /** What must be granted before this attempt may act: its own approval, or that of the gate which its step requires. */
  readonly approvalId?: string;
  readonly exit?: Exit;
  readonly output?: Handle;
  /** The workspace that the step keeps for later steps. */
  readonly workspace?: WorkspaceObject;
  readonly usage?: Usage;
  /** What a sandbox reported after its right to act was gone; without effect. */
  readonly lateExit?: Exit;
  readonly error?: ErrorData;
  /** By what its sandbox is charged, as it was when the attempt was prepared. Absent: nothing is reserved for it. */
  readonly compute?: ComputeTerms;
  /** What it had cost when `cost.settled` told of it (nano-USD); calls that were settled later are not in it. */
  readonly costNanoUsd?: number;
  /** What Finish answered, so that a repeated Finish answers the same. */
  readonly answer?: FinishAnswer;
  readonly preparedAt: string;
  readonly claimedAt?: string;
  readonly exitedAt?: string;
  readonly endedAt?: string;
}

/** The price of a sandbox, and for how long it is reserved. */
export interface ComputeTerms {
  readonly priceBook: string;
  readonly architecture: Architecture;
  /** 1,024 are one vCPU. */
  readonly cpuUnits: number;
  readonly memoryMib: number;
  readonly rates: FargateRates;
  /** Its time limit, and as long as it may take to start and to end. */
  readonly seconds: number;
  /** Who pays: the step's `agent`, else its path. */
  readonly agent: string;
}

/**
 * `APPROVAL#<path>#<number>`: a request for approval and what became of it. Changed only on condition of its `version`.
 * The id is `<executionId>:<path with / as .>:<number>`.
 */
export interface ApprovalRecord {
  readonly schema: number;
  readonly approvalId: string;
  readonly executionId: string;
  readonly workflow: string;
  readonly tenant: string;
  readonly path: string;
  /** The attempt that asked for it. */
  readonly attempt: number;
  /** `budget`: that one is raised; of a step otherwise. */
  readonly kind: ApprovalKind;
  readonly status: ApprovalStatus;
  /** From 1; every change counts it up. */
  readonly version: number;
  /** The frozen payload that is asked about; absent where a budget is to be raised. */
  readonly payload?: Handle;
  /** What a budget is to be raised by; its path is that of no step. */
  readonly raise?: RaiseAsked;
  /** Of what is asked about: a claim must find it again. */
  readonly approvedHash: string;
  /** Of a stand-alone gate: hash of the value that the step which requires it must act on. */
  readonly subjectHash?: string;
  readonly policy: ApprovalPolicy;
  /** Who has to approve: the policy, and one more where nothing proves who asked. */
  readonly groups: readonly Quorum[];
  /** Who has any of these decides alone, and no group is asked: where a budget is to be raised. */
  readonly roles?: readonly Role[];
  /** Why more is asked for than the policy says. */
  readonly note?: string;
  readonly requester: Actor;
  /** Fields of the payload that an agent wrote, with the step that it wrote them in. */
  readonly claims: readonly AgentClaim[];
  readonly votes: readonly Vote[];
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly decidedAt?: string;
  /** A claim after this is refused. */
  readonly executeBy?: string;
  /** The waiting state was told, or waits no more; the budget was raised. */
  readonly resumedAt?: string;
  /** The attempt whose claim consumed it. */
  readonly claimedBy?: { readonly path: string; readonly attempt: number };
  readonly claimedAt?: string;
  /** When `reconcile` looks at it next. */
  readonly checkAt?: string;
}

export type ApprovalKind = StepKind | 'budget';

/** A budget that a person may raise while its execution runs. */
export type RaisableScope = Extract<Scope, { readonly kind: 'execution' | 'agent' }>;

/** What a call that did not fit asks for, with the numbers of that instant. */
export interface RaiseAsked {
  readonly scope: RaisableScope;
  readonly limit: NanoUsd;
  readonly spent: NanoUsd;
  readonly held: NanoUsd;
  /** The most that the call may cost. */
  readonly needed: NanoUsd;
  /** What the budget is raised by. */
  readonly by: NanoUsd;
  /** The step whose agent made the call. */
  readonly stepPath: string;
}

export interface AgentClaim {
  /** Such as `with.ids`. */
  readonly field: string;
  readonly step: string;
}

export interface Vote {
  readonly personId: string;
  readonly decision: 'approve' | 'reject';
  readonly comment?: string;
  readonly at: string;
  readonly via: string;
}

/** `LEASE#<path>#<attempt>`: the right of one sandbox or function call to act for one attempt. */
export interface LeaseRecord {
  readonly schema: number;
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly leaseId: string;
  readonly kind: 'sandbox' | 'lambda';
  readonly status: 'offered' | 'claimed' | 'completed' | 'fenced';
  /** From 1; whoever takes the right away counts it up, and calls with the old number are refused. */
  readonly epoch: number;
  /** SHA-256 of the bootstrap code. */
  readonly codeHash: string;
  /** The frozen task definition revision (sandbox). */
  readonly taskDefinition?: string;
  readonly taskArn?: string;
  readonly nonceHash?: string;
  /** Public key of the runner that claimed: an `outcome.json` counts only where it proves that this runner wrote it. */
  readonly outcomeKey?: string;
  readonly claimedAt?: string;
  readonly lastHeartbeatAt?: string;
  readonly session?: Session;
  /** The session before the last renewal, valid until its own end: the answer with the new one may have been lost. */
  readonly previousSession?: Session;
  /** When `reconcile` looks at it next; absent unless claimed. */
  readonly checkAt?: string;
  /** SHA-256 of the accepted completion, so that a repeat is a no-op and a contradiction a conflict. */
  readonly completionHash?: string;
  /** What the gateway may do for its holder: the claims of the lease. Absent in leases of before there was a gateway: nothing. */
  readonly modelAccess?: ModelAccess;
}

/** Written by Prepare from the definition; the gateway takes who pays and what is allowed from here alone. */
export interface ModelAccess {
  readonly tenant: string;
  readonly workflow: string;
  /** The step's `agent`, else its path. */
  readonly agent: string;
  /** Names of models, `*` for any number of characters; nothing matches an empty list. */
  readonly models: readonly string[];
  readonly rate?: RateLimits;
  readonly onExceeded: OnExceeded;
}

/**
 * What a refused call means for its execution. `deny`: the agent may go on without it. `stop`: the execution ends as
 * `budget_exceeded`. `ask`: a person may raise the budget. An agent's own budget never ends the execution.
 */
export const ON_EXCEEDED = ['deny', 'stop', 'ask'] as const;
export type OnExceeded = (typeof ON_EXCEEDED)[number];

export interface Session {
  readonly tokenHash: string;
  readonly expiresAt: string;
}

/** What Finish tells the graph. */
export interface FinishAnswer {
  readonly next: 'ok' | 'again' | 'failed';
  /** Seconds to wait before the next attempt; 0 unless `again`. */
  readonly waitSeconds: number;
  readonly ref: Handle | null;
  /** The scalars that ASL itself reads, by alias. */
  readonly refs: { readonly [alias: string]: string | number | boolean | null };
  readonly error: { readonly code: string; readonly message: string };
}

/** The emergency stop: one record of the deployment. Nothing of what it names begins, and what acts loses its right. */
export interface Freeze {
  /** 0 where it was never set. */
  readonly version: number;
  readonly all: boolean;
  readonly workflows: readonly string[];
  readonly tenants: readonly string[];
  /** Why all of it is stopped. */
  readonly reason: string;
  /** Why each is, by its scope as `scopesOf` names it: people of a tenant learn nothing of others. */
  readonly reasons?: { readonly [scope: string]: string };
  /** Of the last change. */
  readonly by?: Actor;
  readonly at?: string;
}

export const NOTHING_FROZEN: Freeze = { version: 0, all: false, workflows: [], tenants: [], reason: '' };
