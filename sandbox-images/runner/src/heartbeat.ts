import { type ApiClient, Refused } from './api-client.ts';
import type { LogShipper } from './log-shipper.ts';

export interface HeartbeatOptions {
  readonly api: ApiClient;
  readonly logs: LogShipper;
  readonly everySeconds: number;
  /** The execution is ending: the agent must end, and its outcome is still wanted. */
  onStop(reason: string): void;
  /** This runner no longer acts. */
  onRefused(refused: Refused): void;
}

/**
 * Beats for the first time after one period, so that a short step needs none. A beat that is not answered is no
 * harm: the lease outlives several. Returns a function that ends it and waits for the beat under way.
 */
export function startHeartbeat(options: HeartbeatOptions): () => Promise<void> {
  const ended = new AbortController();
  let beating: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    timer = setTimeout(() => {
      beating = beat(options, ended.signal).finally(() => {
        if (!ended.signal.aborted) schedule();
      });
    }, options.everySeconds * 1000);
  };
  schedule();
  return async () => {
    ended.abort();
    clearTimeout(timer);
    await beating;
  };
}

async function beat(options: HeartbeatOptions, ended: AbortSignal): Promise<void> {
  const logs = options.logs.takeForHeartbeat();
  try {
    const answer = await options.api.heartbeat({ logs }, ended);
    if (!answer.logsWritten) options.logs.putBack(logs);
    if (answer.stop !== undefined) options.onStop(answer.stop);
  } catch (error) {
    options.logs.putBack(logs);
    if (error instanceof Refused) options.onRefused(error);
  }
}
