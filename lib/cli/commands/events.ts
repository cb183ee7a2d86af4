import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { eventLines } from '../render-events.ts';
import { targetOf } from '../target.ts';

export const events: Command = {
  name: 'events',
  summary: 'show every state change of an execution, in order',
  positionals: [EXECUTION],
  options: [...TARGET_OPTIONS],
  json: 'the ordered audit chain: `[{ seq, prevHash, hash, event }]`',
  examples: [{ command: 'wflo events hello:20261124-145753-1f0c9a2b --local', shows: 'who did what, and when' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const { records, eventCount } = await client.events(invocation.positional('execution'), { signal });
    output.result(records, () => eventLines(records, output.columns, output.style));
    const missing = eventCount - records.length;
    if (missing > 0) output.note(`${missing} more are written and not yet in the chain`);
  },
};
