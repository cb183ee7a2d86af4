import type { Ledger, StateMachines } from '../../lib/ports.ts';
import type { EndPorts } from '../end-execution/end.ts';
import type { RelayPorts } from '../relay-events/relay.ts';

/** Everything that checks read and repair. */
export interface ReconcilePorts extends EndPorts, RelayPorts {
  readonly ledger: EndPorts['ledger'] & Pick<Ledger, 'expiredHolds'>;
  readonly machines: Pick<StateMachines, 'describe' | 'stop'>;
  /** Lets the one function that reads task tokens tell the waiting states. */
  readonly resumeApprovals: (approvalIds: readonly string[]) => Promise<void>;
  /** Milliseconds that are left of this call. */
  readonly remainingMs: () => number;
}
