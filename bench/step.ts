import { readFile } from 'node:fs/promises';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { connect } from '../lib/cli/target.ts';
import { stateMachineName } from '../lib/execution/identity.ts';
import { localUp } from '../lib/local-cloud/index.ts';
import { type Benchmark, median, percentile, round } from './bench.ts';
import { root } from './timed-command.ts';

const RUNS = 40;
/** The first ones start workers of functions. */
const WARM = 3;

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
    const ofStep: number[] = [];
    const ofExecution: number[] = [];
    for (let run = 0; run < WARM + RUNS; run++) {
      const { execution } = await client.start({ workflow: 'hello', input: {} });
      const view = await client.waitUntilFinal(execution.executionId, { shortestMs: 100 });
      const name = execution.executionId.split(':')[1];
      const executionArn = `arn:aws:states:${state.region}:${state.account}:execution:${stateMachineName(state.stage, 'hello')}:${name}`;
      const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
      const { records } = await client.events(execution.executionId);
      const at = (type: string) =>
        Date.parse(records.find(({ event }) => event.eventType === type)?.event.timestamp ?? '');
      const exited = records.find(({ event }) => event.eventType === 'sandbox.exited');
      const agentMs = Number((exited?.event.data.usage as { wallMs?: number } | undefined)?.wallMs ?? Number.NaN);
      if (run < WARM) continue;
      ofStep.push(at('step.succeeded') - at('step.prepared') - agentMs);
      ofExecution.push(Date.parse(view.endedAt ?? '') - Date.parse(view.startedAt) - agentMs);
      transitions.push(events.filter((event) => event.stateEnteredEventDetails?.name?.includes('.')).length);
      invocations.push(records.filter(({ event }) => INVOCATIONS.includes(event.eventType)).length);
    }
    return [
      { what: 'state transitions of the step', value: median(transitions), unit: '', limit: 5 },
      { what: 'Lambda invocations of the step', value: median(invocations), unit: '', limit: 4 },
      ...[0.5, 0.95].flatMap((share) => [
        {
          what: `step without the agent's own time, from prepared to succeeded, p${share * 100} of ${RUNS}`,
          value: round(percentile(ofStep, share), 0),
          unit: 'ms',
        },
        {
          what: `whole execution of this step without the agent's own time, p${share * 100} of ${RUNS}`,
          value: round(percentile(ofExecution, share), 0),
          unit: 'ms',
        },
      ]),
    ];
  },
};
