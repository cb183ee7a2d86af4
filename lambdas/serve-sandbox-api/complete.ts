import { WfloError } from '../../lib/errors.ts';
import { recordCompletion } from '../../lib/execution/record-completion.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { completionHash } from '../../lib/sandbox/completion-hash.ts';
import type { CompleteAnswer, CompleteRequest } from '../../lib/sandbox/protocol.ts';
import { TryAgain } from './error-answer.ts';
import { keepLateResult } from './late-result.ts';
import type { SandboxApiPorts } from './ports.ts';
import { authorise, type Caller, callerOfStale } from './session.ts';
import { writeLogs } from './write-logs.ts';

/**
 * Records the outcome of an attempt, once. The same completion again is accepted, another one is not. A completion
 * while the execution is ending is taken (the runner was told to end and report); after its end it is refused.
 */
export async function complete(
  ports: SandboxApiPorts,
  request: CompleteRequest,
  authorization: string | undefined,
): Promise<CompleteAnswer> {
  const caller = await recordOnce(ports, request, authorization);
  // After the outcome, which must not depend on them.
  return { accepted: true, logsWritten: await writeLogs(ports, caller.address, request.logs) };
}

async function recordOnce(
  ports: SandboxApiPorts,
  request: CompleteRequest,
  authorization: string | undefined,
): Promise<Caller> {
  const caller = await authoriseOutcome(ports, request, authorization);
  if (caller.completed) return acceptRepeat(ports, caller, request);
  await refuseLate(ports, caller, request);
  if (await recordCompletion(ports, caller, request)) return caller;

  // Something changed in between: the same call in parallel, a fence, or the end of the execution.
  const again = await authoriseOutcome(ports, request, authorization);
  if (again.completed) return acceptRepeat(ports, again, request);
  await refuseLate(ports, again, request);
  throw new TryAgain('the attempt is being changed');
}

async function refuseLate(
  ports: SandboxApiPorts,
  { address, execution }: Caller,
  request: CompleteRequest,
): Promise<void> {
  if (!isFinal(execution.status)) return;
  await keepLateResult(ports, address, request);
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
    const address = callerOfStale(error, authorization);
    if (address !== undefined) await keepLateResult(ports, address, request);
    throw error;
  }
}

function acceptRepeat(ports: SandboxApiPorts, caller: Caller, request: CompleteRequest): Caller {
  if (caller.lease.completionHash === completionHash(request)) return caller;
  ports.signals.count('LateResult');
  throw new WfloError('late_result', 'another outcome of this attempt was accepted before');
}
