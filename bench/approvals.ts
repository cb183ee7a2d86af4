import { readFile } from 'node:fs/promises';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { connect } from '../lib/cli/target.ts';
import type { ControlApiClient } from '../lib/client/client.ts';
import { stateMachineName } from '../lib/execution/identity.ts';
import { isFinal } from '../lib/execution/status.ts';
import { localUp } from '../lib/local-cloud/index.ts';
import { layOutProject, projectDir } from '../test/_helpers/local-aws.ts';
import { type Benchmark, median, round } from './bench.ts';

const OPEN = 500;
const AT_ONCE = 20;
const ALONE = 10;
const WORKFLOW = 'gated';

/** Decisions of people on the local AWS: how soon what was approved runs, and that none of many is lost or doubled. */
export const approvals: Benchmark = {
  name: 'approvals',
  title: 'Approvals on the local AWS',
  run: async () => {
    layOutProject();
    const { state } = await localUp({ projectDir, driver: 'process', report: () => {} });
    const ada = await connect({ kind: 'local', as: 'ada' }, projectDir);
    const grace = await connect({ kind: 'local', as: 'grace' }, projectDir);
    const sfn = new SFNClient({
      endpoint: state.endpoint,
      region: state.region,
      credentials: state.credentials.admin,
      requestHandler: { httpsAgent: { ca: await readFile(state.caFile, 'utf8') } },
    });
    const enteredRun = async (executionId: string): Promise<number> => {
      const [, name] = executionId.split(':');
      const executionArn = `arn:aws:states:${state.region}:${state.account}:execution:${stateMachineName(state.stage, WORKFLOW)}:${name}`;
      const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      return events.find((event) => event.stateEnteredEventDetails?.name === 'act.Run')?.timestamp?.getTime() ?? NaN;
    };

    const untilRun: number[] = [];
    for (let run = 0; run < ALONE; run++) {
      const executionId = await asked(ada);
      const { decidedAt } = await grace.decide(`${executionId}:act:1`, { decision: 'approve' });
      await ended(ada, executionId);
      untilRun.push((await enteredRun(executionId)) - Date.parse(decidedAt ?? ''));
    }

    const ids: string[] = [];
    await atOnce(Array.from({ length: OPEN }), async () => {
      ids.push(await asked(ada));
    });
    const answers: number[] = [];
    const began = performance.now();
    await atOnce(ids, async (id) => {
      const from = performance.now();
      await grace.decide(`${id}:act:1`, { decision: 'approve' });
      answers.push(performance.now() - from);
    });
    const seconds = (performance.now() - began) / 1000;
    let lost = 0;
    let doubled = 0;
    await atOnce(ids, async (id) => {
      const { status } = await ended(ada, id);
      const claims = (await wholeChain(ada, id)).filter((type) => type === 'approval.claimed').length;
      if (status !== 'succeeded' || claims === 0) lost += 1;
      if (claims > 1) doubled += 1;
    });
    return [
      {
        what: `from the accepted decision to the entry of Run, functions warm, slowest of ${ALONE}`,
        value: round(Math.max(...untilRun.slice(1)), 0),
        unit: 'ms',
        limit: 1000,
      },
      { what: `decisions of ${OPEN} open approvals, ${AT_ONCE} at a time`, value: round(OPEN / seconds), unit: '/s' },
      { what: 'answer to one of these decisions, median', value: round(median(answers), 0), unit: 'ms' },
      { what: `lost of ${OPEN}`, value: lost, unit: '', limit: 0 },
      { what: `doubled of ${OPEN}`, value: doubled, unit: '', limit: 0 },
    ];
  },
};

/** Started, and waiting for a person. */
async function asked(client: ControlApiClient): Promise<string> {
  const { execution } = await client.start({ workflow: WORKFLOW, input: { note: 'bench' } });
  await until(client, execution.executionId, (status) => status === 'waiting_approval');
  return execution.executionId;
}

function ended(client: ControlApiClient, executionId: string) {
  return until(client, executionId, isFinal);
}

/** Types of all events, once the relay has caught up with what was written. */
async function wholeChain(client: ControlApiClient, executionId: string): Promise<readonly string[]> {
  const deadline = Date.now() + 15 * 60_000;
  for (;;) {
    const { records, eventCount } = await client.events(executionId);
    if (records.length >= eventCount) return records.map(({ event }) => event.eventType);
    if (Date.now() > deadline) throw new Error(`the chain of ${executionId} has ${records.length} of ${eventCount}`);
    await new Promise((next) => setTimeout(next, 500));
  }
}

async function until(
  client: ControlApiClient,
  executionId: string,
  holds: (status: Awaited<ReturnType<ControlApiClient['describe']>>['status']) => boolean,
) {
  const deadline = Date.now() + 15 * 60_000;
  for (;;) {
    const view = await client.describe(executionId);
    if (holds(view.status)) return view;
    if (Date.now() > deadline) throw new Error(`${executionId} is still ${view.status}`);
    await new Promise((next) => setTimeout(next, 200));
  }
}

async function atOnce<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const next = things.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const thing of next) await work(thing);
    }),
  );
}
