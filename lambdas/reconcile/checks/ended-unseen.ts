import type { ExecutionRecord } from '../../../lib/execution/records.ts';
import { endExecution } from '../../end-execution/end.ts';
import type { Look } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/** The machine has ended while the record is open: its end event was lost, or its handler failed for good. */
export async function endIfEndedUnseen(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  return (await endExecution(ports, execution.executionArn)) === 'ended' ? 'repaired' : 'fine';
}
