import { claim } from '../../lambdas/serve-sandbox-api/claim.ts';
import { WfloError } from '../errors.ts';
import { permitClaim } from '../execution/claim-permission.ts';
import type { SandboxPayload } from '../execution/payload.ts';
import { recordCompletion } from '../execution/record-completion.ts';
import type { AttemptRecord, ExecutionRecord } from '../execution/records.ts';
import { type Json, sha256 } from '../json.ts';
import type { Completion } from '../sandbox/completion-hash.ts';
import { EXIT_CODE_OUT_OF_MEMORY, EXIT_CODE_RUNNER_ERROR, EXIT_CODE_TIMED_OUT, type Exit } from '../sandbox/exit.ts';
import { OUTPUT_LIMIT_BYTES, PROTOCOL_VERSION, RUNNER_ENV } from '../sandbox/protocol.ts';
import { workspaceKey } from '../sandbox/upload-key.ts';
import { askStub, type Ended } from './accept-answer.ts';
import { StateError } from './machine.ts';
import type { StepCall, StepFailure } from './step-answers.ts';
import type { World } from './world.ts';

/** Of the environment of a sandbox: no error of the agent, and nobody reports it. */
const NOT_STARTED = ['sandbox_not_started', 'image_error'];

interface Sandbox {
  readonly taskArn: string;
  readonly taskDefinition: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly execution: ExecutionRecord;
  readonly attempt: AttemptRecord;
  readonly payload: SandboxPayload;
}

/**
 * Run of a sandbox: a task is started, its runner claims the work as every runner does, the stub stands for the agent,
 * and its outcome is recorded as a completion is.
 */
export async function runSandbox(
  world: World,
  taskDefinition: string,
  environment: ReadonlyMap<string, string>,
): Promise<void> {
  const sandbox = await started(world, taskDefinition, environment);
  const { payload, attempt } = sandbox;
  // Who is refused its work does none: the stub is not asked.
  const ended = (await isPermitted(world, sandbox))
    ? await askStub(world.stubs.steps[attempt.path], 'sandbox', callOf(world, sandbox), payload.timeoutSeconds)
    : undefined;
  if (ended?.failure !== undefined && NOT_STARTED.includes(ended.failure.fails)) {
    await world.time.sleep(ended.seconds);
    return notStarted(world, sandbox, ended.failure);
  }
  if (!(await claims(world, sandbox)) || ended === undefined) return stops(world, sandbox, 1);
  await world.time.sleep(ended.seconds);
  const failed = ended.timedOut ? undefined : ended.failure?.fails;
  if (failed === 'sandbox_lost') return stops(world, sandbox, null, ended.failure?.message);
  if (failed === 'runner_error') return stops(world, sandbox, EXIT_CODE_RUNNER_ERROR, ended.failure?.message);
  await completes(world, sandbox, ended);
  await stops(world, sandbox, 0);
}

async function started(
  world: World,
  taskDefinition: string,
  environment: ReadonlyMap<string, string>,
): Promise<Sandbox> {
  const execution = await world.execution();
  const path = environment.get(RUNNER_ENV.step) ?? '';
  const number = Number(environment.get(RUNNER_ENV.attempt));
  const attempt = await world.executions.getAttempt(world.executionId, path, number);
  if (attempt?.payload === undefined) throw new Error(`attempt ${number} of ${path} was not prepared`);
  const payload = (await world.blobs.get(world.executionId, attempt.payload)) as unknown as SandboxPayload;
  const taskArn = `arn:aws:ecs:us-east-1:000000000000:task/test/${path}-${number}`;
  return { taskArn, taskDefinition, environment, execution, attempt, payload };
}

function callOf(world: World, { attempt, payload }: Sandbox): StepCall {
  const { path } = attempt;
  const from = world.workspaceFrom(path);
  return {
    path,
    attempt: attempt.attempt,
    input: payload.input,
    command: payload.command,
    env: payload.env,
    ...(from === undefined ? {} : { workspaceFrom: from }),
    now: world.time.now(),
  };
}

async function isPermitted(world: World, { execution, attempt, payload, taskArn }: Sandbox): Promise<boolean> {
  try {
    const { executions, people, ids } = world;
    const actor = { type: 'runner', id: taskArn, via: 'sandbox' } as const;
    await permitClaim({ executions, people, ids, clock: world.clock }, execution, attempt, payload, actor);
    return true;
  } catch (error) {
    if (WfloError.is(error)) return false;
    throw error;
  }
}

/** False where it is refused, which is recorded with the attempt. */
async function claims(world: World, sandbox: Sandbox): Promise<boolean> {
  const { taskArn, environment, attempt } = sandbox;
  putTask(world, sandbox, { lastStatus: 'RUNNING' });
  try {
    await claim(world.sandboxApi, {
      protocol: PROTOCOL_VERSION,
      executionId: world.executionId,
      path: attempt.path,
      attempt: attempt.attempt,
      leaseId: environment.get(RUNNER_ENV.lease) ?? '',
      code: environment.get(RUNNER_ENV.code) ?? '',
      nonce: world.ids.secret(),
      taskArn,
      outcomeKey: world.ids.secret(),
    });
    return true;
  } catch (error) {
    if (WfloError.is(error)) return false;
    throw error;
  }
}

async function completes(world: World, { attempt, payload }: Sandbox, ended: Ended): Promise<void> {
  const { executionId } = world;
  const lease = await world.executions.getLease(executionId, attempt.path, attempt.attempt);
  if (lease === undefined) throw new Error(`attempt ${attempt.attempt} of ${attempt.path} has no lease`);
  const completion: Completion = {
    epoch: lease.epoch,
    exit: exitOf(ended, payload.timeoutSeconds),
    output: null,
    ...leftBehind(world, ended, payload, `${attempt.path}/${attempt.attempt}`),
    usage: {
      wallMs: ended.seconds * 1000,
      stdoutBytes: 0,
      stderrBytes: 0,
      stdoutTruncated: false,
      stderrTruncated: false,
    },
  };
  const { executions: store, blobs, clock, ids } = world;
  await recordCompletion({ store, blobs, clock, ids }, { execution: await world.execution(), lease }, completion);
}

function exitOf({ failure, timedOut }: Ended, timeoutSeconds: number): Exit {
  if (timedOut) {
    const message = failure?.message ?? `the agent ran into its time limit of ${timeoutSeconds} s`;
    return { reason: 'timed_out', code: EXIT_CODE_TIMED_OUT, message };
  }
  switch (failure?.fails) {
    case 'agent_failed': {
      const { exitCode: code = 1, message = `the agent ended with code ${code}` } = failure;
      return { reason: 'agent_failed', code, message };
    }
    case 'out_of_memory': {
      const { message = 'the sandbox ran out of memory' } = failure;
      return { reason: 'out_of_memory', code: EXIT_CODE_OUT_OF_MEMORY, message };
    }
    case 'killed': {
      const { message = 'the agent was killed by SIGKILL' } = failure;
      return { reason: 'killed', code: 137, signal: 'SIGKILL', message };
    }
    case 'budget_exceeded': {
      const { message = 'a model call did not fit the budget' } = failure;
      return { reason: 'budget_exceeded', code: 128 + 15, message };
    }
    default:
      return { reason: 'ok', code: 0 };
  }
}

/** The agent's output and workspace, or why they could not be taken. */
function leftBehind(
  world: World,
  { failure, timedOut, output }: Ended,
  payload: SandboxPayload,
  name: string,
): Partial<Pick<Completion, 'output' | 'outputError' | 'workspace' | 'workspaceError'>> {
  if (timedOut) return {};
  if (failure?.fails === 'invalid_output' || failure?.fails === 'output_too_large') {
    const { fails: code, message = 'the output file could not be taken' } = failure;
    return { outputError: { code, message } };
  }
  if (failure?.fails === 'invalid_workspace' || failure?.fails === 'workspace_too_large') {
    const { fails: code, message = 'the workspace could not be taken' } = failure;
    return { workspaceError: { code, message } };
  }
  if (failure !== undefined) return {};
  const hash = sha256(`workspace ${name}`);
  return {
    ...outputOf(output),
    ...(payload.keepWorkspace === true
      ? { workspace: { key: workspaceKey(world.executionId, hash), sha256: hash, bytes: 0 } }
      : {}),
  };
}

function outputOf(output: Json | undefined): Partial<Pick<Completion, 'output' | 'outputError'>> {
  if (output === undefined) return {};
  const text = JSON.stringify(output);
  const bytes = Buffer.byteLength(text);
  if (bytes <= OUTPUT_LIMIT_BYTES) return { output: { text } };
  const message = `the output has ${bytes} bytes, the limit is ${OUTPUT_LIMIT_BYTES}`;
  return { outputError: { code: 'output_too_large', message } };
}

function notStarted(world: World, sandbox: Sandbox, { fails, message }: StepFailure): void {
  if (fails === 'sandbox_not_started') throw new StateError('ECS.AmazonECSException', message ?? 'no capacity');
  const containerReason = `CannotPullContainerError: ${message ?? 'the image was not found'}`;
  putTask(world, sandbox, { lastStatus: 'STOPPED', stopCode: 'TaskFailedToStart', stoppedReason: containerReason });
  throw new StateError('States.TaskFailed', '');
}

/** A task that ends in another way than with code 0 fails its state. */
function stops(world: World, sandbox: Sandbox, exitCode: number | null, told?: string): void {
  const stopped = { lastStatus: 'STOPPED', stopCode: 'EssentialContainerExited' } as const;
  putTask(world, sandbox, {
    ...stopped,
    ...(exitCode === null ? {} : { exitCode }),
    ...(told === undefined ? {} : { containerReason: told }),
  });
  if (exitCode !== 0) throw new StateError('States.TaskFailed', '');
}

function putTask(
  world: World,
  { taskArn, taskDefinition, environment }: Sandbox,
  state: {
    readonly lastStatus: string;
    readonly stopCode?: string;
    readonly stoppedReason?: string;
    readonly exitCode?: number;
    readonly containerReason?: string;
  },
): void {
  world.tasks.put({
    taskArn,
    taskDefinitionArn: taskDefinition,
    clusterArn: `arn:aws:ecs:us-east-1:000000000000:cluster/${world.cluster}`,
    environment: Object.fromEntries(environment),
    ...state,
  });
}
