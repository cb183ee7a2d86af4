import { randomBytes } from 'node:crypto';
import { sha256 } from '../../../lib/json.ts';
import { EXIT_CODE_NOT_DELIVERED, EXIT_CODE_RUNNER_ERROR, type Exit } from '../../../lib/sandbox/exit.ts';
import { type ClaimAnswer, INLINE_LIMIT_BYTES, PROTOCOL_VERSION } from '../../../lib/sandbox/protocol.ts';
import { type OutcomeSigner, outcomeSigner } from '../../../lib/sandbox/sign-outcome.ts';
import { type AgentResult, startAgent } from './agent.ts';
import { exitOfBudget } from './agent-exit.ts';
import { ApiClient, Refused } from './api-client.ts';
import { agentEnvironment, parseEnvironment, RefusedToStart, type RunnerEnvironment } from './environment.ts';
import { startHeartbeat } from './heartbeat.ts';
import { LogShipper } from './log-shipper.ts';
import { taskArn } from './metadata.ts';
import { type ModelProxy, startModelProxy } from './model-proxy.ts';
import { deliverOutcome, type OutcomeDelivery } from './outcome-delivery.ts';
import { readOutput } from './output.ts';
import { TIMINGS, type Timings } from './timings.ts';
import { upload } from './upload.ts';
import { agentUser, prepareWorkspace, takeBack, workspaceAt } from './workspace.ts';
import { addWorkspace, type Outcome } from './workspace-delivery.ts';

export interface RunOptions {
  readonly timings?: Timings;
  /** Aborted, with a reason, when the container is told to stop. */
  readonly stopping?: AbortSignal;
  /** The runner's own diagnostics; never holds a secret. */
  readonly report?: (text: string) => void;
}

/**
 * Runs one attempt of one step: claim, code and input, agent, outcome. Returns the exit code of the container:
 * 0 once the control plane has accepted the outcome, whatever it was; 64 when it refused to start or its claim was
 * refused; 75 when the outcome could not be delivered or was not wanted any more.
 */
export async function runSandbox(
  variables: Readonly<Record<string, string | undefined>>,
  options: RunOptions = {},
): Promise<number> {
  const report = options.report ?? ((text) => process.stderr.write(`wflo-runner: ${text}\n`));
  const timings = options.timings ?? TIMINGS;
  let environment: RunnerEnvironment;
  let claimed: ClaimAnswer;
  let api: ApiClient;
  const signer = outcomeSigner();
  try {
    environment = parseEnvironment(variables);
    if (environment.agentUid !== undefined && process.getuid?.() !== 0) {
      throw new RefusedToStart('the runner is not root, so that the agent would be the same user as the runner');
    }
    api = new ApiClient(environment.api, timings);
    claimed = await claim(environment, api, signer, timings, options.stopping);
  } catch (error) {
    report(messageOf(error));
    return error instanceof RefusedToStart || error instanceof Refused
      ? EXIT_CODE_RUNNER_ERROR
      : EXIT_CODE_NOT_DELIVERED;
  }
  try {
    await actAndComplete(claimed, { environment, api, signer, timings, report }, options.stopping);
    return 0;
  } catch (error) {
    report(messageOf(error));
    return EXIT_CODE_NOT_DELIVERED;
  }
}

async function claim(
  environment: RunnerEnvironment,
  api: ApiClient,
  signer: OutcomeSigner,
  timings: Timings,
  stopping: AbortSignal | undefined,
): Promise<ClaimAnswer> {
  const request = {
    protocol: PROTOCOL_VERSION,
    executionId: environment.executionId,
    path: environment.path,
    attempt: environment.attempt,
    leaseId: environment.leaseId,
    code: environment.code,
    nonce: randomBytes(32).toString('base64url'),
    taskArn: await taskArn(environment.metadataUri, timings),
    outcomeKey: signer.publicKey,
  };
  return api.claim(request, stopping);
}

/** Throws when the outcome was refused or could not be delivered. */
async function actAndComplete(
  claimed: ClaimAnswer,
  delivery: OutcomeDelivery,
  stopping: AbortSignal | undefined,
): Promise<void> {
  const { environment, api, timings } = delivery;
  const logs = new LogShipper(api, timings);
  const stop = new AbortController();
  let refused: Refused | undefined;
  const onContainerStop = (): void => stop.abort(String(stopping?.reason));
  if (stopping?.aborted) onContainerStop();
  else stopping?.addEventListener('abort', onContainerStop, { once: true });
  const endHeartbeat = startHeartbeat({
    api,
    logs,
    everySeconds: claimed.heartbeatSeconds,
    onStop: (reason) => stop.abort(reason),
    onRefused: (error) => {
      refused = error;
      stop.abort(error.message);
    },
  });
  let outcome: Outcome;
  let result: AgentResult;
  try {
    result = await act(claimed, logs, delivery, stop);
    if (refused !== undefined) throw refused;
    outcome = await collectOutput(environment, result.exit, api, timings, logs);
    if (claimed.work.keepWorkspace) {
      outcome = await addWorkspace(outcome, { environment, api, timings, note: (text) => logs.note(text) });
    }
  } finally {
    // Packing and sending may take longer than a lease outlives without a sign of life.
    await endHeartbeat();
    stopping?.removeEventListener('abort', onContainerStop);
  }
  if (refused !== undefined) throw refused;
  const { logs: lastLines, totals } = await logs.finish();
  const { wallMs, cpuMs, peakMemoryBytes } = result;
  const usage = {
    wallMs,
    ...(cpuMs === undefined ? {} : { cpuMs }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    ...totals,
  };
  await deliverOutcome({ ...outcome, usage, logs: lastLines }, delivery);
}

/** Prepares and runs the agent; what fails before it starts is an outcome too. */
async function act(
  claimed: ClaimAnswer,
  logs: LogShipper,
  { environment, api, timings }: OutcomeDelivery,
  stop: AbortController,
): Promise<AgentResult> {
  const { work, modelsUrl } = claimed;
  let models: ModelProxy | undefined;
  try {
    // A control plane of an earlier version does not name it.
    if (modelsUrl) {
      const onBudgetExceeded = (message: string): void => stop.abort(message);
      models = await startModelProxy({ modelsUrl, session: api, timings, onBudgetExceeded });
    }
    const workspace = await prepareWorkspace(environment, work, timings, models?.certificate);
    const uid = agentUser(environment);
    const env = agentEnvironment(
      environment,
      workspace,
      work.env,
      models && { url: models.url, secureUrl: models.secureUrl, certificateFile: workspace.certificate },
    );
    const agent = startAgent({
      command: work.command,
      env,
      cwd: workspace.code,
      timeoutSeconds: work.timeoutSeconds,
      ...(uid === undefined ? {} : { uid }),
      marker: markerOf(environment.root),
      timings,
      onOutput: (stream, chunk) => logs.output(stream, chunk),
    });
    const onStop = (): void => agent.stop(String(stop.signal.reason));
    if (stop.signal.aborted) onStop();
    else stop.signal.addEventListener('abort', onStop, { once: true });
    const result = await agent.ended;
    return models?.exceeded === undefined ? result : { ...result, exit: exitOfBudget(result.exit, models.exceeded) };
  } catch (error) {
    return { exit: runnerError(messageOf(error)), wallMs: 0 };
  } finally {
    models?.close();
  }
}

/** Stands in the environment of everything that the agent of this root starts. */
export function markerOf(root: string): string {
  return `WFLO_OUTPUT=${workspaceAt(root).output}`;
}

async function collectOutput(
  environment: RunnerEnvironment,
  exit: Exit,
  api: ApiClient,
  timings: Timings,
  logs: LogShipper,
): Promise<Outcome> {
  await takeBack(environment);
  const output = await readOutput(workspaceAt(environment.root).output);
  if (output.kind === 'missing') return { exit, output: null };
  if (output.kind === 'refused') {
    logs.note(output.error.message);
    return { exit, output: null, outputError: output.error };
  }
  if (Buffer.byteLength(output.text) <= INLINE_LIMIT_BYTES) return { exit, output: { text: output.text } };
  try {
    const { bytes } = output;
    const object = {
      purpose: 'output',
      bytes: bytes.length,
      sha256: sha256(bytes),
      open: () => bytes,
    } as const;
    return { exit, output: await upload(api, object, timings) };
  } catch (error) {
    if (error instanceof Refused && error.status === 409) throw error;
    const message = `the output could not be uploaded: ${messageOf(error)}`;
    logs.note(message);
    return { exit: exit.reason === 'ok' ? runnerError(message) : exit, output: null };
  }
}

function runnerError(message: string): Exit {
  return { reason: 'runner_error', code: EXIT_CODE_RUNNER_ERROR, message };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
