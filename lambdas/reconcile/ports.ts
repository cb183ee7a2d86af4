import type { EndPorts } from '../end-execution/end.ts';
import type { RelayPorts } from '../relay-events/relay.ts';

/** Everything that checks read and repair. */
export interface ReconcilePorts extends EndPorts, RelayPorts {
  /** Milliseconds that are left of this call. */
  readonly remainingMs: () => number;
}
