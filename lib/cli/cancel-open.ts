import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionSummary } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';

const AT_ONCE = 8;
const PAUSE_MS = 1_000;
/** The relay is behind by seconds, and repeats what failed for longer. */
const RELAY_LOOKS = 300;

/** Cancels executions, and resolves when each is final and every event of it is in its chain. */
export async function cancelAll(
  client: ControlApiClient,
  open: readonly ExecutionSummary[],
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...open];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await cancelOne(client, next.executionId, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function cancelOne(client: ControlApiClient, executionId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.cancel(executionId, {}, { signal });
  } catch (error) {
    // It has ended by itself.
    if (!WfloError.is(error) || error.code !== 'execution_closed') throw error;
  }
  await client.waitUntilFinal(executionId, { signal });
  for (let look = 0; look < RELAY_LOOKS; look += 1) {
    const { records, eventCount } = await client.events(executionId, { signal });
    if (records.length >= eventCount) return;
    await sleep(PAUSE_MS, undefined, { signal });
  }
  throw new WfloError('destroy_failed', `${executionId} has ended, and its event chain is still not complete`, {
    fix: 'look at the alarms of relay-events (docs/guides/deploying.md), and repeat the command when the chain is complete',
  });
}
