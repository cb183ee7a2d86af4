import type { PeopleStore } from '../../lib/people/people-store.ts';
import type { AuditStore, BlobStore, Clock, ExecutionStore, Ids, StateMachines, StepLogs } from '../../lib/ports.ts';

export interface ControlApiPorts {
  readonly executions: ExecutionStore;
  readonly machines: StateMachines;
  readonly blobs: BlobStore;
  readonly audit: AuditStore;
  readonly logs: StepLogs;
  readonly people: PeopleStore;
  readonly clock: Clock;
  readonly ids: Ids;
}
