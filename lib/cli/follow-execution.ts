import type { ExecutionView } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import type { Context } from './command.ts';
import { changeLines, executionLines } from './render-execution.ts';

/**
 * Shows an execution until it is final: drawn in place on a terminal, as one line a change where text is piped, not
 * at all for JSON. The final view is left to the caller in the last two cases; true: it has been shown.
 */
export async function followExecution(
  client: ControlApiClient,
  executionId: string,
  { output, signal }: Pick<Context, 'output' | 'signal'>,
  onView: (view: ExecutionView) => void = () => {},
): Promise<{ readonly view: ExecutionView; readonly shown: boolean }> {
  const live = output.live();
  let before: ExecutionView | undefined;
  try {
    const view = await client.waitUntilFinal(executionId, {
      signal,
      onView(now) {
        onView(now);
        if (live !== undefined) live.show(() => executionLines(now, new Date(), output.style));
        else if (output.format === 'text') {
          const lines = changeLines(before, now, new Date(), output.style);
          if (lines.length > 0) output.record(now, () => lines);
        }
        before = now;
      },
    });
    live?.end(executionLines(view, new Date(), output.style));
    return { view, shown: live !== undefined };
  } finally {
    live?.stop();
  }
}
