import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeAll, expect, it } from 'vitest';
import { verifyChain } from '../../lib/audit/chain.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { type LocalAws, localAws, projectDir } from '../_helpers/local-aws.ts';
import { killAtOnce, workersOf } from '../_helpers/local-processes.ts';
import { persistently } from '../_helpers/persistently.ts';
import { eventually } from '../_helpers/wflo.ts';
import { Chance } from '../chaos/random.ts';

/** The same seed kills in the same order; when a kill meets a call is the machine's matter. */
const SEED = Number(process.env.WFLO_SEED ?? 20_261_126);
const RUNS = 50;
/** From the request to the claim: who asks, who takes decisions, who resumes, and who claims and acts. */
const VICTIMS = ['request-approval', 'serve-control-api', 'resume-approval', 'invoke-step'];

let aws: LocalAws;
let lambda: LambdaClient;
let ada: ControlApiClient;
let grace: ControlApiClient;

beforeAll(async () => {
  aws = await localAws();
  lambda = new LambdaClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials });
  ada = await connect({ kind: 'local', as: 'ada' }, projectDir);
  grace = await connect({ kind: 'local', as: 'grace' }, projectDir);
});

/** Until `ended` is called: kills the worker of one function after the other, and counts those that it met. */
function killWorkers(chance: Chance): () => Promise<number> {
  let running = true;
  let killed = 0;
  const killing = (async () => {
    while (running) {
      const victim = chance.oneOf(VICTIMS);
      for (const pid of workersOf(`wflo-${aws.stage}-${victim}`)) {
        if (killAtOnce(pid)) killed += 1;
      }
      await new Promise((next) => setTimeout(next, chance.between(200, 1500)));
    }
  })();
  return async () => {
    running = false;
    await killing;
    return killed;
  };
}

const reconcile = () =>
  lambda.send(new InvokeCommand({ FunctionName: `wflo-${aws.stage}-reconcile`, Payload: Buffer.from('{}') }));

it(`ends ${RUNS} gated runs truly, whichever worker is killed: none stuck, no approval used twice`, async () => {
  const chance = new Chance(SEED);
  const stopKilling = killWorkers(chance);
  const views: ExecutionView[] = [];
  try {
    const numbers = Array.from({ length: RUNS }, (_, number) => number).values();
    const work = async (): Promise<void> => {
      for (const number of numbers) views.push(await oneRun(number, chance.happens(0.8) ? 'approve' : 'reject'));
    };
    await Promise.all(Array.from({ length: 5 }, work));
  } finally {
    const killed = await stopKilling();
    console.log(`killed ${killed} workers, seed ${SEED}`);
    expect(killed).toBeGreaterThan(RUNS);
  }

  const ends: Record<string, number> = {};
  for (const { executionId, status, error, eventCount } of views) {
    const end = `${status}${error === undefined ? '' : ` (${error.code})`}`;
    ends[end] = (ends[end] ?? 0) + 1;
    const { records } = await eventually(
      () => ada.events(executionId),
      (chain) => chain.records.length >= eventCount,
      `events of ${executionId}`,
    );
    expect(verifyChain(records, eventCount), executionId).toMatchObject({ ok: true });
    const types = records.map(({ event }) => event.eventType);
    const claims = types.filter((type) => type === 'approval.claimed').length;
    const decided = types.filter((type) => type === 'approval.granted' || type === 'approval.rejected');
    expect([claims <= 1, decided.length], `${executionId}: ${types.join(' ')}`).toEqual([true, 1]);
    const approval = await ada.approval(`${executionId}:act:1`);
    const told = { succeeded: 'granted', rejected: 'rejected', failed: 'granted' }[status as 'succeeded'];
    expect(approval.status, `${executionId} ${end}`).toBe(told);
    // A function that was killed at its work may have acted: that is told, and nothing else is a failure.
    if (status === 'failed') expect([error?.code, claims], executionId).toEqual(['outcome_unknown', 1]);
    else expect(claims).toBe(status === 'succeeded' ? 1 : 0);
  }
  console.log(`ends: ${JSON.stringify(ends)}`);
}, 900_000);

async function oneRun(number: number, decision: 'approve' | 'reject'): Promise<ExecutionView> {
  const name = `killed-${SEED}-${number}-${Date.now().toString(36)}`;
  const executionId = `gated:${name}`;
  await persistently(() => ada.start({ workflow: 'gated', input: { note: name }, name }));
  await eventually(
    () => persistently(() => ada.describe(executionId)),
    (view) => view.status === 'waiting_approval' || isFinal(view.status),
    `${executionId} waits`,
    120,
  );
  await persistently(() =>
    grace.decide(`${executionId}:act:1`, { decision, ...(decision === 'reject' ? { comment: 'no' } : {}) }),
  );
  let looks = 0;
  return eventually(
    async () => {
      looks += 1;
      // What the schedule does on AWS every minute.
      if (looks % 20 === 0) await reconcile();
      return persistently(() => ada.describe(executionId));
    },
    ({ status }) => isFinal(status),
    `${executionId} ends`,
    180,
  );
}
