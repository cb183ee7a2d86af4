import type { PeopleStore } from '../../lib/people/people-store.ts';
import type {
  AuditStore,
  BlobStore,
  Clock,
  ExecutionStore,
  Ids,
  StateMachines,
  StepLogs,
  Workflows,
} from '../../lib/ports.ts';

export interface ControlApiPorts {
  readonly executions: ExecutionStore;
  readonly workflows: Workflows;
  readonly machines: StateMachines;
  readonly blobs: BlobStore;
  readonly audit: AuditStore;
  readonly logs: StepLogs;
  readonly people: PeopleStore;
  /** Has `reconcile` run now: an emergency stop takes rights away at once. */
  readonly reconcileNow: () => Promise<void>;
  readonly clock: Clock;
  readonly ids: Ids;
}
