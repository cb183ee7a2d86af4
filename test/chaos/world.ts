import { closeExecution } from '../../lambdas/close-execution/close.ts';
import { endExecution } from '../../lambdas/end-execution/end.ts';
import { seenEnd } from '../../lambdas/end-execution/status-change.ts';
import { finishStep } from '../../lambdas/finish-step/finish.ts';
import { invokeStep } from '../../lambdas/invoke-step/invoke.ts';
import { openExecution } from '../../lambdas/open-execution/open.ts';
import { prepareOrReserve } from '../../lambdas/prepare-step/prepare-or-reserve.ts';
import type { CheckResult } from '../../lambdas/reconcile/reconcile.ts';
import { reconcile } from '../../lambdas/reconcile/reconcile.ts';
import { requestApproval } from '../../lambdas/request-approval/request.ts';
import { resumeDecided } from '../../lambdas/resume-approval/resume-decided.ts';
import { cancelExecution } from '../../lambdas/serve-control-api/cancel-execution.ts';
import type { ControlApiPorts } from '../../lambdas/serve-control-api/ports.ts';
import type { Principal } from '../../lambdas/serve-control-api/principal.ts';
import type { SandboxApiPorts } from '../../lambdas/serve-sandbox-api/ports.ts';
import { expireApproval } from '../../lib/approvals/expire.ts';
import { answerOf } from '../../lib/approvals/resume.ts';
import { workflowConfig } from '../../lib/compiler/step-config.ts';
import { WfloError } from '../../lib/errors.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import type {
  CloseEvent,
  ExpireApprovalEvent,
  FinishEvent,
  InvokeEvent,
  OpenEvent,
  PrepareEvent,
  RequestApprovalEvent,
  ReserveEvent,
} from '../../lib/execution/machine.ts';
import type { Json, JsonObject } from '../../lib/json.ts';
import type { Clock, MachineExecution, StepFunctionInvoker } from '../../lib/ports.ts';
import { costPorts } from '../_helpers/fakes/cost-ports.ts';
import { FakeAuditStore } from '../_helpers/fakes/fake-audit-store.ts';
import { FakeBlobStore } from '../_helpers/fakes/fake-blob-store.ts';
import { FakeEventBus } from '../_helpers/fakes/fake-event-bus.ts';
import { FakeIds } from '../_helpers/fakes/fake-ids.ts';
import { aGroup, aPerson, fakePeopleStore } from '../_helpers/fakes/fake-people-store.ts';
import { FakeTaskTokens } from '../_helpers/fakes/fake-task-tokens.ts';
import { SUBJECTS, subjectOf } from './definitions.ts';
import { Faults, type Invocation, WorkerLost } from './faults.ts';
import type { Act } from './ledger.ts';
import { Chance } from './random.ts';
import { Sandboxes } from './sandboxes.ts';
import { Simulation } from './simulation.ts';
import { type Scope, StepFunctions } from './step-functions.ts';
import { WatchedStore } from './watched-store.ts';

const START = '2026-01-01T00:00:00.000Z';
/** As the stacks deploy them (seconds). */
const TIME_LIMITS: { readonly [name: string]: number } = { 'invoke-step': 900, reconcile: 60 };
const TIME_LIMIT = 30;
/** Within this time every sandbox has lost its lease, also where some runs of reconcile were lost. */
const FROZEN_WITHIN_MS = 4 * 60_000;
/** Clocks of AWS are in step to milliseconds; no promise may hang on that. */
const CLOCK_OFF_MS = 20_000;

export const PEOPLE = ['ada', 'bob', 'cyd', 'eve'] as const;

export interface Line {
  readonly at: string;
  readonly about: string;
  readonly text: string;
}

/** Everything outside the functions of Wflo, in memory, and the functions themselves. */
export class World {
  readonly sim = new Simulation(START);
  readonly chance: Chance;
  readonly faults: Faults;
  readonly trace: Line[] = [];
  readonly ledger: Act[] = [];
  readonly ids = new FakeIds();
  /** By how much the clock of the worker is off that acts now. */
  #clockMs = 0;
  readonly executions = new WatchedStore({
    clock: this.#clockOf(() => this.#clockMs),
    ids: this.ids,
    clockIsOff: () => this.#clockMs !== 0,
  });
  readonly blobs = new FakeBlobStore();
  readonly audit = new FakeAuditStore();
  readonly bus = new FakeEventBus();
  readonly tokens = new FakeTaskTokens();
  readonly people = fakePeopleStore({ clock: this.sim, ids: this.ids });
  readonly money = costPorts({ clock: this.#clockOf(() => this.#clockMs) });
  readonly sandboxes = new Sandboxes(this);
  readonly machines: StepFunctions;
  /** Waiting states whose time was over before anybody told them. */
  readonly expiries: { readonly executionId: string; readonly path: string; readonly at: number }[] = [];
  /** Calls of functions that go on. */
  readonly #invocations = new Set<Invocation>();
  readonly #leaps: { readonly from: number; readonly to: number }[] = [];
  /** Calls that failed for good: somebody looks into the queue, and has them made again. */
  readonly undelivered: (() => void)[] = [];
  readonly reconciled: (readonly CheckResult[])[] = [];
  /** How often the local AWS was restarted. */
  restarts = 0;

  constructor(seed: number, faultCount: number) {
    this.chance = new Chance(seed);
    const { sim, chance } = this;
    const share = chance.oneOf([0.015, 0.025, 0.04]);
    const note = (about: string, text: string) => this.note(about, text);
    this.faults = new Faults({
      sim,
      chance,
      count: faultCount,
      share,
      note,
      cancel: (executionId) => this.#cancel(executionId),
      acting: ({ clockMs }) => {
        this.#clockMs = clockMs;
      },
    });
    this.machines = new StepFunctions({
      sim,
      chance,
      callFunction: (executionId, placeholder, payload) => this.#callFunction(executionId, placeholder, payload),
      runTask: (executionId: string, definition: string, environment: JsonObject, scope: Scope) =>
        this.sandboxes.run(executionId, definition, environment, scope),
      hides: (arn) => this.faults.strikes('a machine is not found yet', 0.05, arn),
      entered: (executionId, state) => {
        note(executionId, `-> ${state}`);
        if (state.endsWith('.Expire')) this.expiries.push({ executionId, path: state.slice(0, -7), at: sim.ms });
      },
      ended: (arn, execution) => this.#ended(arn, execution),
    });
    for (const { definition, document } of SUBJECTS) this.machines.deploy(workflowConfig(definition), document);
    this.people.seed({
      people: PEOPLE.map((personId) => aPerson({ personId })),
      groups: [aGroup('data-owners', PEOPLE), aGroup('security', ['cyd', 'eve'])],
    });
  }

  leap(ms: number): void {
    this.note('everything', `the clock leaps ${ms / 60_000} minutes`);
    this.#leaps.push({ from: this.sim.ms, to: this.sim.ms + ms });
    this.sim.leap(ms);
  }

  /** Whether the clock leapt in this time: then nothing is said of how long something took. */
  hasLeapt(from: number, to: number): boolean {
    return this.#leaps.some((leap) => leap.to >= from && leap.from <= to);
  }

  note(about: string, text: string): void {
    this.trace.push({ at: this.sim.now().toISOString().slice(5, 23), about, text });
  }

  /** Calls a function of ours. Throws `WorkerLost` where no answer comes, and what the function itself throws. */
  invoke<T>(name: string, about: string, limitMs: number, handle: (ports: Ports) => Promise<T>): Promise<T> {
    const { sim, chance } = this;
    return new Promise((resolve, reject) => {
      const invocation: Invocation = {
        name,
        about,
        clockMs: this.faults.strikes('the clock of a worker is off', 0.004, about)
          ? chance.between(-CLOCK_OFF_MS, CLOCK_OFF_MS)
          : 0,
        dead: false,
        over: false,
        lose: (why) => {
          invocation.dead = true;
          if (invocation.over) return;
          invocation.over = true;
          this.#invocations.delete(invocation);
          this.note(about, `${name} was lost: ${why}`);
          sim.at(sim.ms + chance.between(10, 3000), () => reject(new WorkerLost(why)));
        },
      };
      const over = (act: () => void) => {
        if (invocation.over) return;
        invocation.over = true;
        this.#invocations.delete(invocation);
        act();
      };
      sim.at(sim.ms + limitMs, () => {
        // Also one whose caller has given it up.
        invocation.dead = true;
        if (!invocation.over) invocation.lose('its time was over');
      });
      this.#invocations.add(invocation);
      handle(this.portsOf(invocation, sim.ms + limitMs)).then(
        (answer) => over(() => resolve(answer)),
        (error: unknown) =>
          over(() => {
            this.note(about, `${name} threw ${String(error)}`);
            reject(error);
          }),
      );
    });
  }

  /** Called without waiting: twice again where it fails, as Lambda does it, and then it is left in a queue. */
  invokeLater(name: string, about: string, handle: (ports: Ports) => Promise<unknown>): void {
    const { sim } = this;
    sim.spawn(async () => {
      for (let tries = 0; tries <= 2; tries += 1) {
        await sim.sleep(tries === 0 ? this.chance.between(20, 2000) : tries * 60_000);
        try {
          await this.invoke(name, about, timeLimit(name), handle);
          return;
        } catch {
          // Again.
        }
      }
      this.undelivered.push(() => this.invokeLater(name, about, handle));
    });
  }

  /** An emergency stop of one workflow, for some minutes. */
  async freeze(): Promise<void> {
    const { executions, sim, chance } = this;
    const set = async (workflows: readonly string[], reason: string) => {
      const { version } = await executions.getFreeze();
      executions.seed({ freeze: { version: version + 1, all: false, workflows, tenants: [], reason } });
      this.note('everything', `frozen: ${workflows.join() || 'nothing'}`);
    };
    // Where there is something to stop.
    const busy = this.sandboxes.busy.map((executionId) => executionId.split(':')[0] ?? '');
    const workflow = busy.length > 0 ? chance.oneOf(busy) : chance.oneOf(SUBJECTS).definition.name;
    await set([workflow], 'an emergency');
    // Setting one starts reconcile, beside the one of the minute.
    sim.spawn(() => this.reconcile());
    const since = sim.ms;
    await sim.sleep(chance.between(1, 8) * 60_000);
    if (sim.ms - since >= FROZEN_WITHIN_MS && !this.hasLeapt(since, sim.ms)) await this.#checkFrozen(workflow, since);
    await set([], '');
  }

  /**
   * As the local AWS restarts: its machines have failed and their tokens are unknown, without an event; sandboxes and
   * calls of functions end with it; what the stream had not yet delivered it never delivers.
   */
  restart(): void {
    for (const executionId of this.machines.restart()) this.note(executionId, 'its machine ended with the restart');
    for (const invocation of [...this.#invocations]) invocation.lose('the local AWS restarts');
    this.sandboxes.restart();
    this.restarts += 1;
  }

  #clockOf(off: () => number): Clock {
    return { now: () => new Date(this.sim.ms + off()) };
  }

  /** Nobody has kept the right to act through an emergency stop. */
  async #checkFrozen(workflow: string, since: number): Promise<void> {
    const { items } = await this.executions.listExecutions({ tenant: 'default', workflow, limit: 10_000 });
    for (const { executionId } of items) {
      for (const { path, attempt, status, claimedAt } of await this.executions.listLeases(executionId)) {
        const task = (await this.executions.getAttempt(executionId, path, attempt))?.kind === 'sandbox';
        if (!task || status !== 'claimed' || Date.parse(claimedAt ?? '') > since) continue;
        this.executions.wrong.push({ executionId, message: `${path} ${attempt} has kept its lease through a stop` });
      }
    }
  }

  /** Somebody is no longer in the groups, for a while: votes of yesterday are counted with the people of today. */
  async regroup(): Promise<void> {
    const { people, sim, chance } = this;
    const gone = chance.oneOf(PEOPLE);
    const left = PEOPLE.filter((personId) => personId !== gone);
    people.seed({ people: [], groups: [aGroup('data-owners', left), aGroup('security', ['cyd', 'eve'])] });
    await sim.sleep(chance.between(1, 20) * 60_000);
    people.seed({ people: [], groups: [aGroup('data-owners', PEOPLE), aGroup('security', ['cyd', 'eve'])] });
  }

  /** Somebody begins to act. How the records stand at this moment is what allows it. */
  async acts(executionId: string, path: string, attempt: number, payloadHash: string): Promise<Act> {
    const record = await this.executions.getAttempt(executionId, path, attempt);
    const approval =
      record?.approvalId === undefined ? undefined : await this.executions.getApproval(record.approvalId);
    const by = approval?.claimedBy;
    const act: Act = {
      ...{ executionId, path, attempt, payloadHash, at: this.sim.now().toISOString() },
      ...(approval === undefined
        ? {}
        : {
            approval: {
              approvalId: approval.approvalId,
              status: approval.status,
              claimedBy: by === undefined ? '' : `${by.path} ${by.attempt}`,
            },
          }),
    };
    this.ledger.push(act);
    this.note(executionId, `ACT ${path} ${attempt}`);
    return act;
  }

  /** What this act answers: no other answers the same. */
  outputOf({ executionId, path, attempt }: Act): Json {
    const { answers } = subjectOf(executionId.split(':')[0] ?? '');
    const times = this.ledger.filter((act) => act.executionId === executionId && act.path === path).length;
    const answer = answers[path];
    if (answer === undefined) throw new Error(`nobody says what ${path} answers`);
    return answer(`${path} ${attempt} ${times} of ${executionId}`);
  }

  async reconcile(): Promise<void> {
    try {
      const results = await this.invoke('reconcile', 'everything', timeLimit('reconcile'), (ports) =>
        reconcile(ports.reconcile),
      );
      this.reconciled.push(results);
      const repaired = results.filter((one) => one.repaired > 0).map((one) => `${one.check} ${one.repaired}`);
      if (repaired.length > 0) this.note('everything', `reconcile repaired ${repaired.join(', ')}`);
    } catch {
      // The next minute is the retry.
    }
  }

  async #cancel(executionId: string): Promise<void> {
    const person = aPerson({ personId: 'eve' });
    const principal: Principal = { person, tenant: 'default', actor: { type: 'person', id: 'eve', via: 'api' } };
    const { executions, machines, sim: clock } = this;
    const ports = { executions, machines, clock } as unknown as ControlApiPorts;
    await cancelExecution(ports, principal, executionId, {}).catch((error: unknown) => {
      if (!WfloError.is(error)) throw error;
    });
  }

  async #callFunction(executionId: string, placeholder: string, payload: Json): Promise<Json> {
    const [name, handle] = functionOf(placeholder, payload);
    const answer = await this.invoke(name, executionId, timeLimit(name), handle);
    return JSON.parse(JSON.stringify(answer)) as Json;
  }

  /** The rule for machines that ended outside Close. */
  #ended(arn: string, { status, error, cause }: MachineExecution): void {
    const about = arn.split(':execution:wflo-dev-')[1] ?? arn;
    this.note(about, `machine ${status} ${error ?? ''}`);
    if (status === 'SUCCEEDED' || status === 'RUNNING') return;
    // Of what was never recorded this event is the only trace: it has a queue for what cannot be handed over.
    const isRecorded = this.executions.outbox(about).length > 0;
    if (isRecorded && this.faults.strikes('an end event is lost', 0.05, about)) return;
    const detail = { executionArn: arn, status, error: error ?? null, cause: cause ?? null };
    const times = this.faults.strikes('an end event comes twice', 0.05, about) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      this.invokeLater('end-execution', about, (ports) => endExecution(ports.all, arn, seenEnd(detail)));
    }
  }

  portsOf(invocation: Invocation, endsAt: number) {
    const { sim, ids, faults } = this;
    const port = <P extends object>(name: string, target: P): P => faults.port(invocation, name, target);
    const store = port('executions', this.executions);
    const quiet = () => {};
    const signals = { outcomeRefused: quiet, count: quiet, noticed: quiet, failed: quiet, reconcileNotCalled: quiet };
    const all = {
      executions: store,
      store,
      outbox: port('outbox', this.executions),
      blobs: port('blobs', this.blobs),
      audit: port('audit', this.audit),
      bus: port('bus', this.bus),
      tokens: port('tokens', this.tokens),
      people: port('people', this.people),
      tasks: port('tasks', this.sandboxes),
      ledger: port('ledger', this.money.ledger),
      budgets: port('budgets', this.money.budgets),
      announcements: port('announcements', this.money.announcements),
      prices: this.money.prices,
      workflows: port('workflows', this.machines),
      machines: port('machines', this.machines),
      waiting: port('waiting', this.machines),
      invoker: port('invoker', this.#invoker),
      clock: this.#clockOf(() => invocation.clockMs),
      ids,
      signals,
      stage: 'dev',
      cluster: 'wflo-dev',
      random: () => this.chance.next(),
      logs: { write: async () => {}, read: async () => ({ items: [] }) },
      reconcileNow: async () => {},
    };
    const calls = port('calls', {
      begin: async (approvalIds: readonly string[]) =>
        this.invokeLater('resume-approval', approvalIds.join(), (ports) => resumeDecided(ports.all, { approvalIds })),
    });
    return {
      all,
      sandboxApi: all satisfies SandboxApiPorts,
      reconcile: { ...all, resumeApprovals: calls.begin, remainingMs: () => endsAt - sim.ms },
    };
  }

  /** The functions of steps. Nothing stops one that was called. */
  readonly #invoker: StepFunctionInvoker = {
    invoke: async (_function, _input, { executionId, stepPath, attempt, idempotencyKey }, timeoutSeconds) => {
      const { sim, chance, faults } = this;
      const about = `${executionId} ${stepPath}`;
      if (faults.strikes('a function is not invoked', 0.02, about)) {
        throw Object.assign(new Error('Rate Exceeded'), { name: 'TooManyRequestsException', $fault: 'client' });
      }
      const act = await this.acts(executionId, stepPath, attempt, idempotencyKey.split('/').at(-1) ?? '');
      const takes = chance.between(20, chance.happens(0.1) ? 900_000 : 20_000);
      await sim.sleep(Math.min(takes, timeoutSeconds * 1000));
      if (takes > timeoutSeconds * 1000) {
        act.outcome = { ok: false };
        return { ok: false, timedOut: true, message: 'Task timed out' };
      }
      if (chance.happens(0.06)) {
        act.outcome = { ok: false };
        return { ok: false, timedOut: false, message: 'the function threw' };
      }
      const output = this.outputOf(act);
      act.outcome = { ok: true, output };
      return { ok: true, output };
    },
  };
}

export type Ports = ReturnType<World['portsOf']>;

function timeLimit(name: string): number {
  return (TIME_LIMITS[name] ?? TIME_LIMIT) * 1000;
}

function functionOf(placeholder: string, event: unknown): readonly [string, (ports: Ports) => Promise<unknown>] {
  switch (placeholder) {
    case '${OpenExecutionFn}':
      return ['open-execution', ({ all }) => openExecution(all, event as OpenEvent)];
    case '${PrepareStepFn}':
      return ['prepare-step', ({ all }) => prepareOrReserve(all, event as PrepareEvent | ReserveEvent)];
    case '${InvokeStepFn}':
      return ['invoke-step', ({ all }) => invokeStep(all, event as InvokeEvent)];
    case '${RequestApprovalFn}':
      return ['request-approval', ({ all }) => requestApproval(all, event as RequestApprovalEvent)];
    case '${ExpireApprovalFn}':
      return [
        'expire-approval',
        async ({ all }) => {
          const approval = await expireApproval(all, (event as ExpireApprovalEvent).approvalId, GRAPH, 'cancel');
          return approval === null ? { decision: 'refused' } : answerOf(approval);
        },
      ];
    case '${FinishStepFn}':
      return ['finish-step', ({ all }) => finishStep(all, event as FinishEvent)];
    case '${CloseExecutionFn}':
      return ['close-execution', ({ all }) => closeExecution(all, event as CloseEvent)];
    default:
      throw new Error(`${placeholder} is no function of Wflo`);
  }
}
