import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlApiClient } from '../../client/client.ts';
import type { StepLogLine } from '../../ports.ts';
import { HEARTBEAT_SECONDS } from '../../sandbox/protocol.ts';
import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { logLine } from '../render-logs.ts';
import { targetOf } from '../target.ts';

const FOLLOW_PAUSE_MS = 1_000;

export const logs: Command = {
  name: 'logs',
  summary: 'show what the agents of an execution printed',
  description: `While an agent works its lines arrive every ${HEARTBEAT_SECONDS} s, sooner where there are many; the rest comes when it ends.`,
  positionals: [EXECUTION],
  options: [
    { name: 'step', value: 'STEP', summary: 'only this step' },
    { name: 'follow', summary: 'go on until the execution has ended' },
    ...TARGET_OPTIONS,
  ],
  json: '`{ lines: [{ at, stream, text, executionId, stepPath, attempt }] }`; with --follow one line of JSON for each line',
  examples: [
    { command: 'wflo logs hello:20261124-145753-1f0c9a2b --local', shows: 'all lines so far, in order' },
    {
      command: 'wflo logs hello:20261124-145753-1f0c9a2b --step greet --follow',
      shows: 'the lines of one step as they come',
    },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const follow = invocation.flag('follow');
    const lines: StepLogLine[] = [];
    const client = await connect(targetOf(invocation, env));
    const pages = logPages(client, invocation.positional('execution'), invocation.value('step'), follow, signal);
    for await (const page of pages) {
      if (follow) for (const line of page) output.record(line, () => [logLine(line, output.style)]);
      else lines.push(...page);
    }
    if (follow) return;
    output.result({ lines }, () => lines.map((line) => logLine(line, output.style)));
    if (lines.length === 0) output.note('nothing was printed so far');
  },
};

/** Pages up to the present end, or with `follow` until the execution is final and all its lines were read. */
async function* logPages(
  client: ControlApiClient,
  executionId: string,
  step: string | undefined,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly StepLogLine[]> {
  let cursor: string | undefined;
  for (;;) {
    const query = { ...(step === undefined ? {} : { step }), ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.logs(executionId, query, { signal });
    cursor = page.cursor;
    yield page.lines;
    if (page.lines.length > 0) continue;
    if (page.done || !follow) return;
    await sleep(FOLLOW_PAUSE_MS, undefined, { signal });
  }
}
