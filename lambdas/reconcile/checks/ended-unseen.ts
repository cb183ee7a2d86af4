import type { ExecutionRecord } from '../../../lib/execution/records.ts';
import { endExecution } from '../../end-execution/end.ts';
import { type Look, overdueSince } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/** The machine has ended while the record is open: its end event was lost, or its handler failed for good. */
export async function endIfEndedUnseen(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const machine = await ports.machines.describe(execution.executionArn);
  // Nearly always it runs on: then this is the only call.
  if (machine === undefined || machine.status === 'RUNNING') return 'fine';
  if ((await endExecution(ports, execution.executionArn)) !== 'ended') return 'fine';
  return overdueSince(ports.clock.now(), machine.endedAt);
}
