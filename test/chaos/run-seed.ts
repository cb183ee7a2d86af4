import { failuresOf } from '../../lambdas/reconcile/reconcile.ts';
import { type Violation, violationsOf } from './invariants.ts';
import { People } from './people.ts';
import { Stream } from './stream.ts';
import { World } from './world.ts';

export const FAULTS = 300;
/** Executions are started until all faults have happened, and no more than this. */
const EXECUTIONS = 150;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** As far as the clock leaps: past heartbeats, a lease, an approval, the time limit of a workflow. */
const LEAPS_MINUTES = [1, 3, 8, 45, 70, 300];

export interface SeedRun {
  readonly violations: readonly Violation[];
  readonly statuses: { readonly [status: string]: number };
  readonly faults: { readonly [fault: string]: number };
  readonly faultCount: number;
  /** What happened to one execution, or, with '', to all. */
  trace(executionId: string): string;
}

export async function runSeed(seed: number, faultCount = FAULTS): Promise<SeedRun> {
  const world = new World(seed, faultCount);
  const { sim, chance, faults } = world;
  const stream = new Stream(world);
  const people = new People(world);
  let startedCount = 0;
  const every = (ms: number, act: () => Promise<void>) =>
    sim.spawn(async () => {
      for (;;) {
        await sim.sleep(ms);
        await act();
      }
    });
  every(20_000, async () => {
    if (faults.left === 0 || startedCount >= EXECUTIONS || !chance.happens(0.4)) return;
    startedCount += 1;
    people.startOne();
  });
  every(30_000, () => people.look());
  every(MINUTE_MS, () => world.reconcile());
  every(MINUTE_MS, async () => {
    if (startedCount < 5 || !faults.strikes('the clock leaps', 0.04, 'everything')) return;
    world.leap(chance.oneOf(LEAPS_MINUTES) * MINUTE_MS);
  });
  every(3 * MINUTE_MS, async () => {
    if (startedCount > 5 && faults.strikes('an emergency stop', 0.06, 'everything')) await world.freeze();
    if (startedCount > 5 && faults.strikes('somebody leaves the groups', 0.03, 'everything')) await world.regroup();
  });
  every(10 * MINUTE_MS, async () => {
    if (startedCount > 5 && faults.strikes('the local AWS restarts', 0.02, 'everything')) world.restart();
  });
  every(MINUTE_MS, async () => {
    if (faults.strikes('reconcile runs beside itself', 0.02, 'everything')) sim.spawn(() => world.reconcile());
  });

  const deadline = sim.ms + 20 * DAY_MS;
  await sim.run(() => faults.left === 0 || startedCount >= EXECUTIONS, deadline);
  const faultsDone = faultCount - faults.left;
  faults.left = 0;
  await sim.run(() => world.machines.open.length === 0, deadline);
  await settle(world, stream, deadline);

  const violations = [...(await violationsOf(world, people, stream)), ...unsettled(world)];
  return {
    violations,
    statuses: await statusesOf(world),
    faults: faults.counts,
    faultCount: faultsDone,
    trace: (executionId) => traceOf(world, executionId),
  };
}

/** Reconcile as scheduled, until it has long had nothing to repair. */
async function settle(world: World, stream: Stream, deadline: number): Promise<void> {
  const { sim, reconciled } = world;
  const quiet = 15;
  for (const callAgain of world.undelivered.splice(0)) callAgain();
  const before = reconciled.length;
  await sim.run(() => {
    const last = reconciled.slice(Math.max(before, reconciled.length - quiet));
    return last.length === quiet && stream.isIdle && last.flat().every(({ repaired }) => repaired === 0);
  }, deadline);
}

function unsettled({ reconciled }: World): readonly Violation[] {
  const last = reconciled.at(-1) ?? [];
  return [
    ...last.filter(({ repaired }) => repaired > 0).map(({ check }) => `${check} never comes to an end`),
    ...failuresOf(last).map((error) => `reconcile fails: ${String(error)}`),
  ].map((message) => ({ executionId: 'everything', message }));
}

async function statusesOf({ executions }: World): Promise<{ [status: string]: number }> {
  const counts: { [status: string]: number } = {};
  const { items } = await executions.listExecutions({ tenant: 'default', limit: 10_000 });
  for (const { status, error } of items) {
    const end = error === undefined ? status : `${status} ${error.code}`;
    counts[end] = (counts[end] ?? 0) + 1;
  }
  return counts;
}

function traceOf({ trace, executions }: World, executionId: string): string {
  const lines = trace
    .filter(({ about }) => executionId === '' || about.split(' ').includes(executionId))
    .map(({ at, about, text }) => `  ${at} ${about.replace(executionId, '').trim()} ${text}`);
  const events = executions
    .events(executionId === '' ? undefined : executionId)
    .map(
      ({ timestamp, eventType, stepPath = '', attempt = '' }) =>
        `  ${timestamp.slice(5, 23)} ${eventType} ${stepPath} ${attempt}`,
    );
  return [...lines, '  events:', ...events].join('\n');
}
