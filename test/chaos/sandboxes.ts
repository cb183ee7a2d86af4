import { claim } from '../../lambdas/serve-sandbox-api/claim.ts';
import { complete } from '../../lambdas/serve-sandbox-api/complete.ts';
import { errorAnswer } from '../../lambdas/serve-sandbox-api/error-answer.ts';
import { heartbeat } from '../../lambdas/serve-sandbox-api/heartbeat.ts';
import type { SandboxApiPorts } from '../../lambdas/serve-sandbox-api/ports.ts';
import type { JsonObject } from '../../lib/json.ts';
import { sha256 } from '../../lib/json.ts';
import type { SandboxTasks, TaskState } from '../../lib/ports.ts';
import type { Completion } from '../../lib/sandbox/completion-hash.ts';
import type { Exit } from '../../lib/sandbox/exit.ts';
import { type ClaimAnswer, PROTOCOL_VERSION, RUNNER_ENV } from '../../lib/sandbox/protocol.ts';
import { outcomeKey, workspaceKey } from '../../lib/sandbox/upload-key.ts';
import { RUNNER_KEY } from '../_helpers/signed-outcome.ts';
import type { Act } from './ledger.ts';
import { never } from './simulation.ts';
import { type Scope, StateFailed } from './step-functions.ts';
import type { World } from './world.ts';

/** The control plane does not want this runner any more. */
class Refused extends Error {}

const CLAIM_MS = 5 * 60_000;
const HEARTBEAT_MS = 20_000;
const DELIVERY_MS = 10 * 60_000;
/** What the platform allows (90 seconds without a sign, 5 minutes to end), and some runs of reconcile that are lost. */
const HANGS_AT_MOST_MS = 15 * 60_000;
const ENDS_WITHIN_MS = 15 * 60_000;

interface Task {
  state: TaskState;
  readonly since: number;
  /** Its container was told to end. */
  stopping: boolean;
  readonly stopped: (() => void)[];
  /** Since when its runner goes on without a sign or without end, and by when that is ended. */
  useless?: { readonly from: number; readonly by: number };
}

/** ECS, and in its tasks the runners: they claim, act, and report, and die at any point of it. */
export class Sandboxes implements SandboxTasks {
  readonly #world: World;
  readonly #tasks = new Map<string, Task>();
  /** Tasks that ran on too long without a sign, or with nothing left to do. */
  readonly overdue: { readonly executionId: string; readonly from: number; readonly to: number }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async describe(taskArn: string): Promise<TaskState | undefined> {
    const task = this.#tasks.get(taskArn);
    return task === undefined || this.#isHidden(task) ? undefined : task.state;
  }

  async findByLease(leaseId: string): Promise<TaskState | undefined> {
    const task = [...this.#tasks.values()].find(({ state }) => state.environment[RUNNER_ENV.lease] === leaseId);
    return task === undefined || this.#isHidden(task) ? undefined : task.state;
  }

  /** ECS does not always show at once what it has started. */
  #isHidden({ since, state }: Task): boolean {
    const { sim, faults } = this.#world;
    return sim.ms - since < 60_000 && faults.strikes('a task is not shown yet', 0.02, state.taskArn);
  }

  /** Every task that there ever was, whatever ECS still shows. */
  all(): readonly TaskState[] {
    return [...this.#tasks.values()].map(({ state }) => state);
  }

  /** Executions with a sandbox at this moment. */
  get busy(): readonly string[] {
    const live = [...this.#tasks.values()].filter((task) => isRunning(task));
    return live.map(({ state }) => state.environment[RUNNER_ENV.execution] ?? '');
  }

  async listRunning(): Promise<readonly string[]> {
    return [...this.#tasks.values()].flatMap(({ state }) => (state.lastStatus === 'STOPPED' ? [] : [state.taskArn]));
  }

  /** The container gets SIGTERM, and half a minute later it is killed. */
  async stop(taskArn: string, reason: string): Promise<void> {
    const task = this.#tasks.get(taskArn);
    if (task === undefined || task.stopping || task.state.lastStatus === 'STOPPED') return;
    task.stopping = true;
    task.state = { ...task.state, stopCode: 'UserInitiated', stoppedReason: reason };
    const { sim } = this.#world;
    sim.at(sim.ms + 30_000, () => this.#stopped(taskArn, 137));
  }

  /** All containers end with their host. */
  restart(): void {
    for (const [taskArn, { state }] of this.#tasks) if (state.lastStatus !== 'STOPPED') this.#stopped(taskArn, 137);
  }

  /** `ecs:runTask.sync`. */
  async run(executionId: string, taskDefinition: string, environment: JsonObject, scope: Scope): Promise<void> {
    const { sim, chance, faults } = this.#world;
    const about = `${executionId} ${String(environment[RUNNER_ENV.step])}`;
    await sim.sleep(chance.between(50, 500));
    if (faults.strikes('no capacity for a task', 0.01, about)) throw new StateFailed('ECS.AmazonECSException', 'none');
    // Its address is that of an ARN, and as good as random.
    const taskArn = `arn:aws:ecs:us-east-1:123456789012:task/wflo-dev/${sha256(`${about} ${sim.ms} ${chance.next()}`).slice(0, 32)}`;
    const task: Task = {
      state: {
        taskArn,
        taskDefinitionArn: taskDefinition,
        clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
        lastStatus: 'PROVISIONING',
        createdAt: sim.now().toISOString(),
        environment: environment as TaskState['environment'],
      },
      since: sim.ms,
      stopping: false,
      stopped: [],
    };
    this.#tasks.set(taskArn, task);
    sim.spawn(() => this.#runner(taskArn, task));
    if (faults.strikes('the answer of RunTask is lost', 0.01, about))
      throw new StateFailed('ECS.SdkClientException', '');
    // Step Functions stops the task of a state that it ends, if it can.
    scope.leave.add(() => {
      if (task.state.lastStatus !== 'STOPPED' && !faults.strikes('a task outlives its state', 0.2, about)) {
        void this.stop(taskArn, 'the state has ended');
      }
    });
    await new Promise<void>((resolve) => task.stopped.push(resolve));
    await sim.sleep(chance.between(500, 5000));
    if (task.state.exitCode !== 0) throw new StateFailed('States.TaskFailed', '');
  }

  #stopped(taskArn: string, exitCode: number | undefined, more: Partial<TaskState> = {}): void {
    const task = this.#tasks.get(taskArn);
    if (task === undefined || task.state.lastStatus === 'STOPPED') return;
    const { stopCode = 'EssentialContainerExited' } = task.state;
    const { useless } = task;
    const to = this.#world.sim.ms;
    if (useless !== undefined && to > useless.by) {
      const executionId = task.state.environment[RUNNER_ENV.execution] ?? '';
      this.overdue.push({ executionId, from: useless.from, to });
    }
    task.state = {
      ...task.state,
      lastStatus: 'STOPPED',
      stoppedAt: this.#world.sim.now().toISOString(),
      stopCode,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...more,
    };
    this.#world.note(`${task.state.environment[RUNNER_ENV.execution]}`, `task stopped, exit ${exitCode ?? 'unknown'}`);
    for (const tell of task.stopped) tell();
  }

  async #runner(taskArn: string, task: Task): Promise<void> {
    const { sim, chance, faults } = this.#world;
    const { environment } = task.state;
    const about = `${environment[RUNNER_ENV.execution]} ${environment[RUNNER_ENV.step]}`;
    /** False once the runner is no more. */
    const dies = (when: string, share: number): boolean => {
      if (!isRunning(task)) return true;
      if (!faults.strikes(`a runner dies ${when}`, share, about)) return false;
      this.#stopped(taskArn, chance.happens(0.5) ? 137 : undefined);
      return true;
    };
    await sim.sleep(chance.between(5000, 40_000));
    if (task.stopping && isRunning(task)) return this.#stopped(taskArn, 137);
    if (!isRunning(task)) return;
    if (faults.strikes('an image cannot be pulled', 0.005, about)) {
      return this.#stopped(taskArn, undefined, {
        stopCode: 'TaskFailedToStart',
        stoppedReason: 'CannotPullContainerError: no',
      });
    }
    task.state = { ...task.state, lastStatus: 'RUNNING', pullStartedAt: sim.now().toISOString() };
    if (dies('before its claim', 0.03)) return;
    try {
      const claimed = await this.#claim(taskArn, task);
      if (dies('after its claim', 0.03)) return;
      if (faults.strikes('a runner claims from another task', 0.01, about)) await this.#claimAgain(taskArn, task);
      await this.#act(taskArn, task, claimed, dies);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#stopped(taskArn, 64);
    }
  }

  #claim(taskArn: string, task: Task): Promise<ClaimAnswer> {
    const { environment } = task.state;
    const request = {
      protocol: PROTOCOL_VERSION,
      executionId: environment[RUNNER_ENV.execution] ?? '',
      path: environment[RUNNER_ENV.step] ?? '',
      attempt: Number(environment[RUNNER_ENV.attempt]),
      leaseId: environment[RUNNER_ENV.lease] ?? '',
      code: environment[RUNNER_ENV.code] ?? '',
      nonce: `nonce-of-the-runner-in-${taskArn.slice(-32)}`,
      taskArn,
      outcomeKey: RUNNER_KEY.publicKey,
    };
    return this.#api(task, 'claim', CLAIM_MS, (ports) => claim(ports, request));
  }

  /** Somebody has read the code in the description of the task. */
  async #claimAgain(taskArn: string, task: Task): Promise<void> {
    try {
      await this.#claim(taskArn.replace(/.{4}$/, 'ffff'), task);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  async #act(
    taskArn: string,
    task: Task,
    claimed: ClaimAnswer,
    dies: (when: string, share: number) => boolean,
  ): Promise<void> {
    const { sim, chance, faults } = this.#world;
    const { environment } = task.state;
    const [executionId = '', path = ''] = [environment[RUNNER_ENV.execution], environment[RUNNER_ENV.step]];
    const attempt = Number(environment[RUNNER_ENV.attempt]);
    const session = { token: claimed.sessionToken, epoch: claimed.epoch };
    const act = await this.#world.acts(executionId, path, attempt, claimed.work.payloadHash);
    const takes = chance.between(1, chance.happens(0.2) ? 900 : 60) * 1000;
    const deadline = Math.min(takes, claimed.work.timeoutSeconds * 1000);
    const endsAt = sim.ms + deadline;
    const silent = faults.strikes('a runner hangs', 0.05, `${executionId} ${path}`);
    if (silent) task.useless = { from: sim.ms, by: sim.ms + HANGS_AT_MOST_MS };
    let told: string | undefined;
    while (sim.ms < endsAt && told === undefined && !task.stopping) {
      await sim.sleep(Math.min(endsAt - sim.ms, claimed.heartbeatSeconds * 1000));
      if (dies('while it acts', 0.01)) return;
      if (sim.ms >= endsAt || silent) continue;
      told = await this.#beat(task, session);
    }
    if (silent) return;
    const exit = exitOf(told ?? (task.stopping ? 'stopped' : undefined), takes > deadline, chance.next());
    const completion = this.#completion(act, claimed, exit);
    if (dies('before it completes', 0.03)) return;
    await this.#leaveOutcome(executionId, path, attempt, environment[RUNNER_ENV.lease] ?? '', completion);
    if (dies('while it completes', 0.03)) return;
    await this.#api(task, 'complete', DELIVERY_MS, (ports) =>
      complete(ports, { ...completion, logs: [] }, `Bearer ${session.token}`),
    );
    if (faults.strikes('a task does not end', 0.03, `${executionId} ${path}`)) {
      task.useless = { from: sim.ms, by: sim.ms + ENDS_WITHIN_MS };
      return;
    }
    await sim.sleep(chance.between(100, 3000));
    this.#stopped(taskArn, 0);
  }

  /** What the runner is told, if anything. */
  async #beat(task: Task, session: { token: string; epoch: number }): Promise<string | undefined> {
    try {
      const answer = await this.#api(task, 'heartbeat', HEARTBEAT_MS, (ports) =>
        heartbeat(ports, { epoch: session.epoch, logs: [] }, `Bearer ${session.token}`),
      );
      if (answer.sessionToken !== undefined) session.token = answer.sessionToken;
      return answer.stop;
    } catch (error) {
      // One that was not answered does no harm.
      if (error instanceof Unanswered) return undefined;
      throw error;
    }
  }

  #completion(act: Act, { epoch, work }: ClaimAnswer, exit: Exit): Completion {
    const { executionId, path, attempt } = act;
    const output = exit.reason === 'ok' ? this.#world.outputOf(act) : undefined;
    act.outcome = { ok: exit.reason === 'ok', ...(output === undefined ? {} : { output }) };
    const folder = `workspace of ${executionId} ${path} ${attempt}`;
    const workspace = { key: workspaceKey(executionId, sha256(folder)), sha256: sha256(folder), bytes: folder.length };
    this.#world.blobs.uploads.set(workspace.key, folder);
    return {
      epoch,
      exit,
      output: output === undefined ? null : { text: JSON.stringify(output) },
      ...(work.keepWorkspace && exit.reason === 'ok' ? { workspace } : {}),
      usage: { wallMs: 1, stdoutBytes: 0, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false },
    };
  }

  async #leaveOutcome(
    executionId: string,
    path: string,
    attempt: number,
    leaseId: string,
    completion: Completion,
  ): Promise<void> {
    const { faults, blobs } = this.#world;
    if (faults.strikes('an outcome.json is not taken', 0.1, `${executionId} ${path}`)) return;
    const signed = RUNNER_KEY.sign({ executionId, path, attempt, leaseId, completion });
    blobs.uploads.set(outcomeKey({ executionId, path, attempt }, leaseId), JSON.stringify(signed));
  }

  /** As the runner calls: again, while there is no answer or one of the server's own failures. */
  async #api<T>(task: Task, verb: string, withinMs: number, call: (ports: SandboxApiPorts) => Promise<T>): Promise<T> {
    const { sim, chance } = this.#world;
    const about = `${task.state.environment[RUNNER_ENV.execution]} ${task.state.environment[RUNNER_ENV.step]}`;
    const until = sim.ms + withinMs;
    for (let pause = 250; ; pause = Math.min(pause * 2, 10_000)) {
      if (!isRunning(task)) return never();
      try {
        const answer = await this.#world.invoke(`sandbox-api ${verb}`, about, 29_000, (ports) =>
          call(ports.sandboxApi),
        );
        return isRunning(task) ? answer : await never();
      } catch (error) {
        if (!isRunning(task)) return never();
        const { status, body } = errorAnswer(error);
        this.#world.note(about, `${verb} answered ${status} ${body.error.code}`);
        if (status < 500) throw new Refused(body.error.code);
        if (sim.ms >= until) throw new Unanswered();
        await sim.sleep(chance.between(0, pause));
      }
    }
  }
}

/** The control plane did not answer in time; a runner that cannot go on without ends. */
class Unanswered extends Refused {}

function isRunning({ state }: Task): boolean {
  return state.lastStatus !== 'STOPPED';
}

function exitOf(stopped: string | undefined, late: boolean, draw: number): Exit {
  if (stopped !== undefined) return { reason: 'killed', code: 143, signal: 'SIGTERM', message: stopped };
  if (late) return { reason: 'timed_out', code: 124 };
  if (draw < 0.9) return { reason: 'ok', code: 0 };
  return draw < 0.97 ? { reason: 'agent_failed', code: 1 } : { reason: 'out_of_memory', code: 137 };
}
