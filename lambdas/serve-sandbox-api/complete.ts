import { buildEvent } from '../../lib/audit/build-event.ts';
import { type ErrorData, WfloError } from '../../lib/errors.ts';
import type { Handle } from '../../lib/execution/records.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { completionHash } from '../../lib/sandbox/completion-hash.ts';
import { parseOutput } from '../../lib/sandbox/parse-output.ts';
import type { CompleteAnswer, CompleteRequest } from '../../lib/sandbox/protocol.ts';
import { outputUploadKey } from '../../lib/sandbox/upload-key.ts';
import { TryAgain } from './error-answer.ts';
import type { SandboxApiPorts } from './ports.ts';
import { authorise, type Caller } from './session.ts';

/**
 * Records the outcome of an attempt, once. The same completion again is accepted, another one is not. A completion
 * while the execution is ending is taken (the runner was told to end and report); after its end it is refused.
 */
export async function complete(
  ports: SandboxApiPorts,
  request: CompleteRequest,
  authorization: string | undefined,
): Promise<CompleteAnswer> {
  const caller = await authoriseOutcome(ports, request, authorization);
  const answer = await recordOnce(ports, request, authorization, caller);
  // After the outcome, which must not depend on them: where they cannot be written, the runner sends both again.
  const { executionId, path, attempt } = caller.address;
  await ports.logs.write(executionId, path, attempt, request.logs);
  return answer;
}

async function recordOnce(
  ports: SandboxApiPorts,
  request: CompleteRequest,
  authorization: string | undefined,
  caller: Caller,
): Promise<CompleteAnswer> {
  const hash = completionHash(request);
  if (caller.completed) return answerRepeat(caller, hash);
  refuseLate(ports, caller);
  const stored = await storeOutput(ports, caller, request);
  if (await commit(ports, caller, request, hash, stored)) return { accepted: true };

  // Something changed in between: the same call in parallel, a fence, or the end of the execution.
  const again = await authoriseOutcome(ports, request, authorization);
  if (again.completed) return answerRepeat(again, hash);
  refuseLate(ports, again);
  throw new TryAgain('the attempt is being changed');
}

function refuseLate(ports: SandboxApiPorts, { execution }: Caller): void {
  if (!isFinal(execution.status)) return;
  ports.signals.count('LateResult');
  throw new WfloError('late_result', `the execution has ended as ${execution.status}`);
}

/** An outcome of somebody whose right was taken away, as the end of an execution does, is late. */
async function authoriseOutcome(
  ports: SandboxApiPorts,
  request: CompleteRequest,
  authorization: string | undefined,
): Promise<Caller> {
  try {
    return await authorise(ports, authorization, request.epoch);
  } catch (error) {
    if (WfloError.is(error) && error.code === 'stale_epoch') ports.signals.count('LateResult');
    throw error;
  }
}

function answerRepeat(caller: Caller, hash: string): CompleteAnswer {
  if (caller.lease.completionHash === hash) return { accepted: true };
  throw new WfloError('late_result', 'another outcome of this attempt was accepted before');
}

interface Stored {
  readonly output?: Handle;
  /** Why the step fails although the agent may have ended well. */
  readonly error?: ErrorData;
}

async function storeOutput(ports: SandboxApiPorts, caller: Caller, request: CompleteRequest): Promise<Stored> {
  const { address } = caller;
  // Where the agent failed anyway, its exit says why, and what it left behind does not matter.
  const failed = request.exit.reason !== 'ok';
  if (request.outputError !== undefined) return failed ? {} : { error: request.outputError };
  if (request.output === null) return {};
  const parsed = parseOutput(await outputText(ports, caller, request.output));
  if (!parsed.ok) return failed ? {} : { error: parsed.error };
  const name = `output/${address.path}/${address.attempt}`;
  return { output: await ports.blobs.put(address.executionId, name, parsed.value) };
}

async function outputText(
  ports: SandboxApiPorts,
  caller: Caller,
  output: NonNullable<CompleteRequest['output']>,
): Promise<string> {
  if ('text' in output) return output.text;
  if (output.key !== outputUploadKey(caller.address, output.sha256)) {
    throw new WfloError('invalid_request', `${output.key} is not an upload of this attempt`);
  }
  return ports.blobs.getUpload(output.key, output.bytes, output.sha256);
}

function commit(
  ports: SandboxApiPorts,
  caller: Caller,
  request: CompleteRequest,
  hash: string,
  stored: Stored,
): Promise<boolean> {
  const { address, lease, execution } = caller;
  const { exit, usage } = request;
  return ports.store.commit({
    executionId: address.executionId,
    changes: [
      { item: 'execution', expect: { status: 'running' } },
      {
        item: 'attempt',
        path: address.path,
        attempt: address.attempt,
        set: { status: 'exited', exit, usage, ...stored, exitedAt: ports.clock.now().toISOString() },
        expect: { status: 'running' },
      },
      {
        item: 'lease',
        path: address.path,
        attempt: address.attempt,
        set: { status: 'completed', completionHash: hash },
        remove: ['checkAt'],
        expect: { status: 'claimed', epoch: lease.epoch },
      },
    ],
    events: [
      buildEvent(ports, execution, {
        type: 'sandbox.exited',
        data: { exit, usage, ...(stored.output === undefined ? {} : { outputSha256: stored.output.sha256 }) },
        actor: { type: 'runner', id: lease.taskArn ?? '', via: 'sandbox' },
        stepPath: address.path,
        attempt: address.attempt,
      }),
    ],
  });
}
