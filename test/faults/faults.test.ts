/**
 * Real processes: the deployed functions with their bundles, the runner, the local AWS itself. Workers and runners are
 * killed, calls of AWS go wrong, and in the middle the local AWS is restarted. The seed draws what is done, to whom, and
 * the pauses in between; what that meets depends on the machine, so the same seed does not run the same way twice. What
 * must run the same way is the simulation in `test/chaos`; here it is shown that real processes keep its promises.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient, ListTasksCommand } from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyChain } from '../../lib/audit/chain.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { isFinal } from '../../lib/execution/status.ts';
import type { Json } from '../../lib/json.ts';
import { localDown, localUp } from '../../lib/local-cloud/index.ts';
import { type LocalAws, localAws, projectDir } from '../_helpers/local-aws.ts';
import { runnersOf } from '../_helpers/local-processes.ts';
import { persistently } from '../_helpers/persistently.ts';
import { eventually, wflo } from '../_helpers/wflo.ts';
import { Chance } from '../chaos/random.ts';
import { ApiFaults } from './api-faults.ts';
import { Killer } from './killer.ts';
import { Tables } from './tables.ts';

const SEED = Number(process.env.WFLO_SEED ?? 20_261_126);
/** Two cores are busy with this many. */
const AT_ONCE = 3;
/** Of the calls of AWS. */
const SHARE = 0.03;
/** What was not told to a state in time is told by `reconcile`, half a minute later and again. */
const END_SECONDS = 240;

const FUNCTIONS = [
  'open-execution',
  'prepare-step',
  'request-approval',
  'expire-approval',
  'invoke-step',
  'finish-step',
  'close-execution',
  'end-execution',
  'serve-control-api',
  'serve-sandbox-api',
  'resume-approval',
  'relay-events',
  'reconcile',
];

interface Run {
  readonly workflow: string;
  readonly input: Json;
  /** Path of what a person is asked for. */
  readonly asks?: string;
}

const RUNS: readonly Run[] = [
  { workflow: 'hello', input: { name: 'Ada' } },
  { workflow: 'gated', input: { note: 'a note' }, asks: 'act' },
  { workflow: 'confirming', input: { id: 'seven' }, asks: 'confirm' },
  { workflow: 'branching', input: { amount: 4 } },
  { workflow: 'gated', input: { note: 'another' }, asks: 'act' },
];
/** On these all others hang. */
const MUST_DIE = ['relay-events', 'reconcile'];
/** Two that wait for somebody, and one at work: a restart meets them open. */
const OPEN: readonly Run[] = [
  { workflow: 'gated', input: { note: 'waits' }, asks: 'act' },
  { workflow: 'confirming', input: { id: 'waits' }, asks: 'confirm' },
  { workflow: 'patience', input: {} },
];

const chance = new Chance(SEED);
let aws: LocalAws;
let lambda: LambdaClient;
let sfn: SFNClient;
let ecs: ECSClient;
let tables: Tables;
let faults: ApiFaults;
let killer: Killer;
let ada: ControlApiClient;
let grace: ControlApiClient;
const undo: (() => Promise<void>)[] = [];

beforeAll(async () => {
  aws = await localAws();
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  lambda = new LambdaClient(config);
  sfn = new SFNClient(config);
  ecs = new ECSClient(config);
  const functions = FUNCTIONS.map((name) => `wflo-${aws.stage}-${name}`);
  const reconcileConfig = new GetFunctionConfigurationCommand({ FunctionName: `wflo-${aws.stage}-reconcile` });
  const { Environment } = await lambda.send(reconcileConfig);
  const { STATE_TABLE: stateTable = '', EVENTS_TABLE: eventsTable = '' } = Environment?.Variables ?? {};
  tables = new Tables(new DynamoDBClient(config), { stateTable, eventsTable });
  faults = new ApiFaults({ endpoint: aws.endpoint, chance, share: SHARE, bus: new EventBridgeClient(config) });
  await faults.listen();
  for (const name of functions) undo.push(await faults.standBefore(lambda, name));
  killer = new Killer({ chance, tables, functions });
  ada = await connect({ kind: 'local', as: 'ada' }, projectDir);
  grace = await connect({ kind: 'local', as: 'grace' }, projectDir);
});

afterAll(async () => {
  await killer.stop();
  for (const back of undo) await back();
  await faults.close();
});

/** What the schedule does every minute. A run that is killed or fails is followed by the next. */
async function reconcile(): Promise<boolean> {
  const name = `wflo-${aws.stage}-reconcile`;
  const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName: name }));
  if (FunctionError !== undefined) return false;
  const results = JSON.parse(Buffer.from(Payload ?? []).toString()) as readonly { readonly repaired: number }[];
  return results.every(({ repaired }) => repaired === 0);
}

let started = 0;
async function start({ workflow, input }: Run): Promise<string> {
  started += 1;
  const name = `faults-${SEED}-${started}-${Date.now().toString(36)}`;
  await persistently(() => ada.start({ workflow, input, name }));
  return `${workflow}:${name}`;
}

async function untilAsked(executionId: string): Promise<void> {
  await eventually(
    () => persistently(() => ada.describe(executionId)),
    ({ status }) => status === 'waiting_approval' || isFinal(status),
    `${executionId} waits`,
    END_SECONDS,
  );
}

async function untilEnded(executionId: string): Promise<string> {
  let looks = 0;
  const { status } = await eventually(
    async () => {
      looks += 1;
      if (looks % 40 === 0) await tables.bringLooksForward();
      if (looks % 20 === 0) await reconcile();
      return persistently(() => ada.describe(executionId));
    },
    (view) => isFinal(view.status),
    `${executionId} ends`,
    END_SECONDS,
  );
  return status;
}

/** One run with what people do to it: mostly they approve, and now and then somebody cancels. */
async function oneRun(run: Run): Promise<string> {
  const executionId = await start(run);
  if (run.asks !== undefined) {
    await untilAsked(executionId);
    const decision = chance.happens(0.8) ? 'approve' : 'reject';
    const request = decision === 'approve' ? { decision } : { decision, comment: 'no' };
    await persistently(() => grace.decide(`${executionId}:${run.asks}:1`, request as { decision: 'approve' })).catch(
      // Where its machine was lost before it asked, nobody is asked.
      async (error: unknown) => {
        if (!isFinal((await persistently(() => ada.describe(executionId))).status)) throw error;
      },
    );
  }
  if (chance.happens(0.15)) await persistently(() => ada.cancel(executionId, { reason: 'no more' })).catch(() => {});
  await untilEnded(executionId);
  return executionId;
}

async function runAll(count: number): Promise<readonly string[]> {
  const ended: string[] = [];
  const runs = Array.from({ length: count }, (_, index) => RUNS[index % RUNS.length] as Run).values();
  const work = async () => {
    for (const run of runs) ended.push(await oneRun(run));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return ended;
}

it('keeps every promise while workers and runners die, calls of AWS go wrong, and the local AWS restarts', async () => {
  killer.start();
  const before = await runAll(8);
  await killer.stop();

  const open = await Promise.all(
    OPEN.map(async (run) => {
      const executionId = await start(run);
      if (run.asks !== undefined) await untilAsked(executionId);
      else
        await eventually(
          async () => (await tables.leases()).filter((lease) => lease.executionId === executionId),
          (leases) => leases.some(({ status }) => status === 'claimed'),
          `${executionId} is at work`,
          END_SECONDS,
        );
      return executionId;
    }),
  );
  await localDown({ projectDir, report: () => {} });
  for (const executionId of open) expect(runnersOf(executionId), executionId).toEqual([]);
  await localUp({ projectDir, report: () => {} });
  // The machines of these have ended with the local AWS, without an event; their records are as they were.
  for (const executionId of open) {
    const { status, eventCount } = await persistently(() => ada.describe(executionId));
    expect([isFinal(status), eventCount > 0], executionId).toEqual([false, true]);
  }
  killer.start();
  await tables.bringLooksForward();
  const after = [...(await runAll(4))];
  // Who dies is drawn, and a slow machine draws less often.
  while (MUST_DIE.some((victim) => killer.counts[victim] === undefined)) after.push(...(await runAll(1)));
  for (const executionId of open) expect(await untilEnded(executionId), executionId).toBe('failed');
  await killer.stop();
  faults.end();

  await eventually(reconcile, (quiet) => quiet, 'reconcile has nothing left to repair', 120);
  console.log(`seed ${SEED}: killed ${JSON.stringify(killer.counts)}`);
  console.log(`calls gone wrong: ${JSON.stringify(faults.counts)}`);
  await expectTrueEnds([...before, ...open, ...after]);
});

async function expectTrueEnds(executionIds: readonly string[]): Promise<void> {
  const outbox = await eventually(
    () => tables.outbox(),
    (items) => items.every(({ publishedAt }) => publishedAt !== undefined),
    'every event is published',
    120,
  );
  const ends: { [end: string]: number } = {};
  for (const execution of await tables.executions()) {
    const { executionId, executionArn, status, error, eventCount } = execution;
    const end = `${status}${error === undefined ? '' : ` (${error.code})`}`;
    ends[end] = (ends[end] ?? 0) + 1;
    expect(isFinal(status), `${executionId} is ${status}`).toBe(true);
    const machine = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(machine.status, executionId).not.toBe('RUNNING');
    expect(runnersOf(executionId), executionId).toEqual([]);

    const { records } = await ada.events(executionId);
    expect(verifyChain(records, eventCount), executionId).toMatchObject({ ok: true });
    const written = outbox.filter((item) => item.executionId === executionId).flatMap(({ events }) => events);
    const ids = (events: readonly { readonly eventId: string }[]) => events.map(({ eventId }) => eventId).sort();
    expect(ids(records.map(({ event }) => event)), executionId).toEqual(ids(written));
    for (const { event, seq } of records) {
      expect(faults.taken.get(event.eventId), `${executionId}: ${event.eventType} on the bus`).toEqual(new Set([seq]));
    }
  }
  console.log(`ends: ${JSON.stringify(ends)}`);
  const known = (await tables.executions()).map(({ executionId }) => executionId);
  expect(known).toEqual(expect.arrayContaining([...executionIds]));

  const held = (await tables.leases()).filter(({ status }) => status === 'offered' || status === 'claimed');
  expect(held).toEqual([]);
  expect((await tables.approvals()).filter(({ status }) => status === 'pending')).toEqual([]);
  expect((await tables.openCounts()).filter((count) => count.open !== 0)).toEqual([]);
  const { taskArns } = await ecs.send(new ListTasksCommand({ cluster: `wflo-${aws.stage}`, desiredStatus: 'RUNNING' }));
  expect(taskArns ?? []).toEqual([]);
  const left = [...executionIds].values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const executionId of left) {
        const { code, stdout, stderr } = await wflo('audit', 'verify', executionId, '--local');
        expect({ code, stdout, stderr }, executionId).toMatchObject({ code: 0 });
      }
    }),
  );
}
