import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { programName } from '../program-name.ts';
import { targetFlags, targetOf } from '../target.ts';

export const cancel: Command = {
  name: 'cancel',
  summary: 'end an execution that is running',
  description: 'Its sandboxes are stopped, and its record says who cancelled it. What has ended is `execution_closed`.',
  positionals: [EXECUTION],
  options: [...TARGET_OPTIONS],
  json: 'the execution as `wflo status --json` shows it',
  examples: [{ command: 'wflo cancel hello:20261124-145753-1f0c9a2b --local', shows: 'stop it' }],
  async run(invocation, { connect, env, output, signal }) {
    const target = targetOf(invocation, env);
    const client = await connect(target);
    const view = await client.cancel(invocation.positional('execution'), {}, { signal });
    output.result(view, () => [`cancelling ${view.executionId}`]);
    output.note(`see it end: ${programName(env)} status ${view.executionId} --follow${targetFlags(target)}`);
  },
};
