import type { NanoUsd } from '../../lib/budget/money.ts';
import type { PriceBook, Provider } from '../../lib/budget/price-book.ts';
import type { ProviderKeys } from '../../lib/model-calls/provider-access.ts';
import type { WireFormat, WireFormatName } from '../../lib/model-calls/wire-format.ts';
import type { Announcements, Budgets, Clock, ExecutionStore, Ids, Ledger, StateMachines } from '../../lib/ports.ts';
import type { Upstream } from './upstream.ts';

export type GatewayMetric =
  /** What a call cost is not known: its hold stays. */
  | 'CallUnsettled'
  /** A hold could not be closed in time; `reconcile` will find it. */
  | 'HoldNotClosed'
  | 'LedgerUnreachable'
  | 'ProviderFailed'
  | 'CallRefused'
  /** A client went away, and its call was read to the end. */
  | 'ClientGone'
  /** An execution could not be stopped although its budget is exceeded. */
  | 'ExecutionNotStopped'
  /** `cost.exceeded` could not be written, or nobody be asked to raise the budget. */
  | 'ExceededNotAnnounced';

/** One line for each call. Never a body, a prompt, a key or a token. */
export interface CallLine {
  /** Absent, as the next three, where the caller is not known. */
  readonly executionId?: string;
  readonly stepPath?: string;
  readonly attempt?: number;
  readonly agent?: string;
  /** Absent where nothing was held. */
  readonly callId?: string;
  readonly provider: Provider;
  readonly format: WireFormatName;
  /** Absent where the request was not understood. */
  readonly model?: string;
  readonly stream?: boolean;
  readonly status: number;
  /** Code of the refusal, or how the hold was closed. */
  readonly outcome: string;
  readonly heldNanoUsd?: NanoUsd;
  readonly costNanoUsd?: NanoUsd;
  readonly durationMs: number;
  readonly clientGone: boolean;
}

/** What an operator is told besides the answer. */
export interface GatewaySignals {
  /** Counts one. */
  count(metric: GatewayMetric): void;
  called(line: CallLine): void;
  /** Something that a person may want to read, with no secret in it. */
  noticed(what: string, details: object): void;
  /** An unexpected failure, which an agent sees as 503. */
  failed(what: string, error: unknown, details: object): void;
}

export interface GatewayPorts {
  readonly ledger: Ledger;
  readonly budgets: Pick<Budgets, 'getScope'>;
  readonly announcements: Announcements;
  readonly executions: Pick<ExecutionStore, 'getExecution' | 'getLease' | 'getApproval' | 'commit'>;
  readonly machines: Pick<StateMachines, 'stop'>;
  readonly keys: ProviderKeys;
  readonly upstream: Upstream;
  readonly prices: PriceBook;
  readonly formats: readonly WireFormat[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signals: GatewaySignals;
}
