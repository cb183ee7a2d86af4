import { type Command, TARGET_OPTIONS } from '../command.ts';
import { eventLines } from '../render-events.ts';
import { targetOf } from '../target.ts';

export const peopleEvents: Command = {
  name: 'people events',
  summary: 'show every change of people, groups and emergency stops of your tenant, in order',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: 'the ordered audit chain: `[{ seq, prevHash, hash, event }]`',
  examples: [{ command: 'wflo people events --local', shows: 'who changed what, and when' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const { records, eventCount } = await client.tenantEvents({ signal });
    output.result(records, () => eventLines(records, output.columns, output.style));
    const missing = eventCount - records.length;
    if (missing > 0) output.note(`${missing} more are written and not yet in the chain`);
  },
};
