import type { ExecutionRecord } from '../../../lib/execution/records.ts';
import { type Look, overdueSince } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/**
 * Whoever wanted to end it was cut off between the record and the machine, which would run on, or wait for days. A
 * failure or a rejection is written by the graph itself, which then ends by itself. The end handler closes what is
 * stopped here.
 */
export async function stopIfEndingCutOff(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const { ending, executionArn } = execution;
  if (ending === undefined || ending.status === 'failed' || ending.status === 'rejected') return 'fine';
  if ((await ports.machines.describe(executionArn)) === undefined) return 'fine';
  await ports.machines.stop(executionArn, ending.status, 'the execution is ending');
  return overdueSince(ports.clock.now(), ending.at);
}
