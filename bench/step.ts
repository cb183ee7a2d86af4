import { readFile } from 'node:fs/promises';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { connect } from '../lib/cli/target.ts';
import { stateMachineName } from '../lib/execution/identity.ts';
import { localUp } from '../lib/local-cloud/index.ts';
import { type Benchmark, median, round } from './bench.ts';
import { root } from './timed-command.ts';

const RUNS = 10;

/** Events that each stand for one invocation: every one is written by another handler call. */
const INVOCATIONS = ['step.prepared', 'sandbox.claimed', 'sandbox.exited', 'step.succeeded'];

/** One sandbox step of `hello`, by counts, and the time that the agent's own is not. */
export const step: Benchmark = {
  name: 'step',
  title: 'One short sandbox step on the local AWS',
  run: async () => {
    const { state } = await localUp({ projectDir: root, driver: 'process', report: () => {} });
    const client = await connect({ kind: 'local' }, root);
    const sfn = new SFNClient({
      endpoint: state.endpoint,
      region: state.region,
      credentials: state.credentials.admin,
      requestHandler: { httpsAgent: { ca: await readFile(state.caFile, 'utf8') } },
    });
    const transitions: number[] = [];
    const invocations: number[] = [];
    const outside: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const { execution } = await client.start({ workflow: 'hello', input: {} });
      const view = await client.waitUntilFinal(execution.executionId, { shortestMs: 100 });
      const name = execution.executionId.split(':')[1];
      const executionArn = `arn:aws:states:${state.region}:${state.account}:execution:${stateMachineName(state.stage, 'hello')}:${name}`;
      const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      transitions.push(events.filter((event) => event.stateEnteredEventDetails?.name?.includes('.')).length);
      const { records } = await client.events(execution.executionId);
      invocations.push(records.filter(({ event }) => INVOCATIONS.includes(event.eventType)).length);
      const exited = records.find(({ event }) => event.eventType === 'sandbox.exited');
      const agentMs = Number((exited?.event.data.usage as { wallMs?: number } | undefined)?.wallMs ?? Number.NaN);
      outside.push(Date.parse(view.endedAt ?? '') - Date.parse(view.startedAt) - agentMs);
    }
    return [
      { what: 'state transitions of the step', value: median(transitions), unit: '', limit: 5 },
      { what: 'Lambda invocations of the step', value: median(invocations), unit: '', limit: 4 },
      {
        what: `whole execution without the agent's own time, median of ${RUNS}`,
        value: round(median(outside), 0),
        unit: 'ms',
      },
    ];
  },
};
