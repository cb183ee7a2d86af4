import type { PeopleStore } from '../../lib/people/people-store.ts';
import type {
  Announcements,
  AuditStore,
  BlobStore,
  Budgets,
  Clock,
  ExecutionStore,
  Ids,
  Ledger,
  StateMachines,
  StepLogs,
  Workflows,
} from '../../lib/ports.ts';

/** What an operator is told of. */
export interface ControlApiSignals {
  /** An emergency stop holds, and takes the right from what acts only with the next scheduled run. */
  reconcileNotCalled(error: unknown): void;
}

export interface ControlApiPorts {
  readonly executions: ExecutionStore;
  readonly workflows: Workflows;
  readonly machines: StateMachines;
  readonly blobs: BlobStore;
  readonly audit: AuditStore;
  readonly logs: StepLogs;
  readonly ledger: Pick<Ledger, 'getHold' | 'listHolds' | 'unsettledHolds' | 'settle'>;
  readonly budgets: Budgets;
  readonly announcements: Announcements;
  readonly people: PeopleStore;
  /** Has `reconcile` run now: an emergency stop takes rights away at once. */
  readonly reconcileNow: () => Promise<void>;
  readonly signals: ControlApiSignals;
  readonly clock: Clock;
  readonly ids: Ids;
}
