import type { ExecutionView } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import type { Context } from './command.ts';
import { readOpenApprovals } from './open-approvals.ts';
import { changeLines, executionLines } from './render-execution.ts';
import type { Target } from './target.ts';

/**
 * Shows an execution until it is final: drawn in place on a terminal, as one line a change where text is piped, not
 * at all for JSON. The final view is left to the caller in the last two cases; true: it has been shown.
 */
export async function followExecution(
  client: ControlApiClient,
  executionId: string,
  target: Target,
  context: Pick<Context, 'output' | 'signal' | 'env'>,
  onView: (view: ExecutionView) => void = () => {},
): Promise<{ readonly view: ExecutionView; readonly shown: boolean }> {
  const { output, signal } = context;
  const live = output.live();
  let before: ExecutionView | undefined;
  try {
    const view = await client.waitUntilFinal(executionId, {
      signal,
      async onView(now) {
        onView(now);
        if (output.format === 'json') return;
        const open = await readOpenApprovals(client, now, target, context);
        if (live !== undefined) live.show(() => executionLines(now, new Date(), output.style, open));
        else {
          const lines = changeLines(before, now, new Date(), output.style, open);
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
