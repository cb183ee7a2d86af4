import { RECONCILER } from '../../../lib/execution/actors.ts';
import type { Ending, ExecutionRecord } from '../../../lib/execution/records.ts';
import { closeRecord } from '../../end-execution/end.ts';
import type { Look } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/** After this long a start that was recorded has been made, or will not be (milliseconds). */
const STARTING_MS = 5 * 60_000;

/** The control API recorded a start and was cut off before it made it, or the start was cancelled before. */
export async function endIfNeverStarted(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const { executionId, executionArn, status, startedAt } = execution;
  const age = ports.clock.now().getTime() - Date.parse(startedAt);
  if (status !== 'starting' || age < STARTING_MS) return 'fine';
  if ((await ports.machines.describe(executionArn)) !== undefined) return 'fine';
  const message = 'the execution was recorded, and its state machine never started';
  const ending: Ending = execution.ending ?? {
    status: 'failed',
    actor: RECONCILER,
    reason: message,
    error: { code: 'internal', message, fix: 'start it again under another name' },
  };
  const begun = await ports.executions.commit({
    executionId,
    changes: [
      {
        item: 'execution',
        set: { ending },
        // A start that comes after all finds the ending, and Open refuses.
        expect: { status: 'starting', ending: execution.ending ?? { absent: true } },
      },
    ],
    events: [],
  });
  if (!begun) return 'fine';
  await closeRecord(ports, { ...execution, ending });
  return 'repaired';
}
