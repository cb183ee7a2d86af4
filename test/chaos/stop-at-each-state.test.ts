import { describe, expect, it } from 'vitest';
import { cancelExecution } from '../../lambdas/serve-control-api/cancel-execution.ts';
import { WfloError } from '../../lib/errors.ts';
import type { ExecutionStatus } from '../../lib/execution/status.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { isJsonObject, type Json, type JsonObject } from '../../lib/json.ts';
import { type Subject, subjectOf } from './definitions.ts';
import { violationsOf } from './invariants.ts';
import { People, principalOf } from './people.ts';
import { Chance } from './random.ts';
import { never } from './simulation.ts';
import { Stream } from './stream.ts';
import { World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Longer than any step, approval or delivery of an outcome takes. */
const SETTLED_MS = HOUR_MS;
/** As many ways through a graph as are tried to reach all of its states. */
const WAYS = 400;

/**
 * States that no way leads to here. A function that may not be repeated once it has claimed is repeated only where each of
 * the eight calls of its Run was lost before that.
 */
const UNREACHED: { readonly [workflow: string]: readonly string[] } = { branching: ['say-small.Wait'] };

/** When in a state the stop comes. The commits are the first ones of the execution after the state was entered. */
const MOMENTS = [
  'as it is entered',
  'before a commit that still comes',
  'before a commit that never comes',
  'after a commit whose answer is lost',
] as const;
type Moment = (typeof MOMENTS)[number];
const STOPS = ['in the console', 'by a cancel'] as const;
type Stop = (typeof STOPS)[number];

interface Way {
  readonly seed: number;
  /** Some states are only reached when something goes wrong before. */
  readonly faults: number;
  /** Others only where Open refuses the input. */
  readonly refused: boolean;
}

/** One execution, its people and its stream; `entered` is told of every state. */
class Run {
  readonly world: World;
  readonly people: People;
  readonly stream: Stream;
  readonly executionId: string;
  entered: (state: string) => void = () => {};
  stopped = false;
  /** How the record stood when it was stopped: what it will end as. */
  standing: Promise<ExecutionStatus> | undefined;

  readonly #input: Json;

  constructor({ definition, input }: Subject, { seed, faults, refused }: Way) {
    this.world = new World(seed, faults);
    const { world } = this;
    this.people = new People(world);
    this.stream = new Stream(world);
    // Some choices depend on it.
    this.executionId = `${definition.name}:run-${seed}`;
    this.#input = refused ? 'no object' : input('one', new Chance(seed));
    const note = world.note.bind(world);
    world.note = (about, text) => {
      note(about, text);
      if (about === this.executionId && text.startsWith('-> ')) this.entered(text.slice(3));
    };
    this.#every(30_000, () => this.people.look());
    this.#every(MINUTE_MS, () => world.reconcile());
  }

  get arn(): string {
    return this.world.machines.executionArn(this.executionId);
  }

  /** Starts it, and runs until then. */
  async until(done: () => boolean): Promise<void> {
    const { sim, machines } = this.world;
    sim.spawn(() => machines.start(this.executionId, this.#input));
    await sim.run(done, sim.ms + 48 * HOUR_MS);
  }

  async settle(): Promise<void> {
    const { sim, undelivered, faults } = this.world;
    faults.left = 0;
    const end = sim.ms + SETTLED_MS;
    await sim.run(() => false, end);
    expect(undelivered).toEqual([]);
  }

  async stop(stop: Stop): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    const { world, executionId } = this;
    world.faults.left = 0;
    if (stop === 'by a cancel') {
      try {
        const ports = world.portsOf(
          { name: '', about: '', clockMs: 0, dead: false, over: false, lose: () => {} },
          Infinity,
        ).all;
        const { executions, machines } = world;
        await cancelExecution({ ...ports, executions, machines }, principalOf('ada'), executionId, {
          reason: 'enough',
        });
        return;
      } catch (error) {
        // Not recorded yet, or ending already: there is nothing to cancel, and the console can still stop the machine.
        if (!WfloError.is(error)) throw error;
      }
    }
    await world.machines.stop(this.arn, '', 'enough');
  }

  /** What the record says now of how this ends. */
  async standsAs(): Promise<ExecutionStatus> {
    const execution = await this.world.executions.getExecution(this.executionId);
    if (execution === undefined) return 'cancelled';
    return isFinal(execution.status) ? execution.status : (execution.ending?.status ?? 'cancelled');
  }

  #every(ms: number, act: () => Promise<void>): void {
    const { sim } = this.world;
    sim.spawn(async () => {
      for (;;) {
        await sim.sleep(ms);
        await act();
      }
    });
  }
}

/** Stops an execution in this state at this moment; false where there was no such moment. */
async function stopIn(run: Run, state: string, moment: Moment, stop: Stop): Promise<boolean> {
  const { executions } = run.world;
  let armed = false;
  run.entered = (name) => {
    if (name !== state || run.stopped) return;
    if (moment === 'as it is entered') {
      run.standing = run.standsAs();
      run.world.sim.spawn(() => run.stop(stop));
    } else armed = true;
  };
  const commit = executions.commit.bind(executions);
  executions.commit = async (transaction) => {
    // The cancel commits too.
    if (!armed || run.stopped || transaction.executionId !== run.executionId) return commit(transaction);
    armed = false;
    if (moment === 'after a commit whose answer is lost') {
      await commit(transaction);
      run.standing = run.standsAs();
      await run.stop(stop);
      return never();
    }
    run.standing = run.standsAs();
    await run.stop(stop);
    if (moment === 'before a commit that never comes') return never();
    const answer = await commit(transaction);
    run.standing = run.standsAs();
    return answer;
  };
  await run.until(() => run.stopped || !isOpen(run));
  await run.settle();
  return run.stopped;
}

function isOpen({ world, arn }: Run): boolean {
  return world.machines.arns.length === 0 || world.machines.open.includes(arn);
}

/** Names of all states of a document, those of branches too. */
function statesOf(document: JsonObject): readonly string[] {
  const states = isJsonObject(document.States) ? document.States : {};
  return Object.entries(states).flatMap(([name, state]) => [name, ...branchesOf(state).flatMap(statesOf)]);
}

function branchesOf(state: Json | undefined): readonly JsonObject[] {
  const branches = isJsonObject(state) ? state.Branches : undefined;
  return Array.isArray(branches) ? branches.filter(isJsonObject) : [];
}

/** A way to each state that there is a way to. */
async function waysTo(subject: Subject): Promise<ReadonlyMap<string, Way>> {
  const ways = new Map<string, Way>();
  const unreached = UNREACHED[subject.definition.name] ?? [];
  const all = statesOf(subject.document).filter((state) => !unreached.includes(state));
  for (let seed = 1; seed <= WAYS && ways.size < all.length; seed += 1) {
    const way = { seed, faults: seed % 2 === 0 ? 60 : 0, refused: seed % 10 === 0 };
    const run = new Run(subject, way);
    run.entered = (state) => {
      if (!ways.has(state)) ways.set(state, way);
    };
    await run.until(() => !isOpen(run));
  }
  return ways;
}

describe.each(['data-processor', 'branching'])('an execution of %s that is stopped', async (workflow) => {
  const subject = subjectOf(workflow);
  const ways = await waysTo(subject);

  it('can be stopped in every state of its graph', () => {
    expect(statesOf(subject.document).filter((state) => !ways.has(state))).toEqual(UNREACHED[workflow] ?? []);
  });

  it.each([...ways])('in %s comes to its true end, and nothing of it goes on', async (state, way) => {
    const ended: ExecutionStatus[] = [];
    for (const moment of MOMENTS) {
      for (const stop of STOPS) {
        const run = new Run(subject, way);
        if (!(await stopIn(run, state, moment, stop))) continue;
        const { world, people, stream, executionId } = run;
        const about = `${moment}, ${stop}, seed ${way.seed} with ${way.faults} faults`;
        expect(await violationsOf(world, people, stream), about).toEqual([]);
        const execution = await world.executions.getExecution(executionId);
        expect(execution?.status, about).toBe((await run.standing) ?? 'cancelled');
        const acted = world.ledger.filter(({ at }) => at > (execution?.endedAt ?? ''));
        expect(acted, `${about}: nobody begins to act after the end`).toEqual([]);
        ended.push(execution?.status ?? 'starting');
      }
    }
    expect(ended.length).toBeGreaterThan(0);
    // Only what was decided before the stop, by its last step or by its graph, is no cancel.
    if (!/^(Close|Closed|Done|Failed)$|\.(Finish|Next|Fail|Wait|Approve|Approved|Expire|Run|Route)$/.test(state)) {
      expect(new Set(ended)).toEqual(new Set(['cancelled']));
    }
  });
});
