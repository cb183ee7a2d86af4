import { WfloError } from '../../lib/errors.ts';
import type { ExecutionRecord, LeaseRecord, Session } from '../../lib/execution/records.ts';
import { decideSession } from '../../lib/sandbox/lease.ts';
import { type LeaseAddress, parseSessionToken } from '../../lib/sandbox/session-token.ts';
import type { SandboxApiPorts } from './ports.ts';

/** Who calls, proven against the stored lease. */
export interface Caller {
  readonly address: LeaseAddress;
  readonly lease: LeaseRecord;
  readonly execution: ExecutionRecord;
  /** The stored session that the token belongs to. */
  readonly presented: Session;
  /** The lease was completed: only a repeat of that completion is answered. */
  readonly completed: boolean;
}

/** Throws `invalid_session` or `stale_epoch`. Reads strongly: a fence is seen by the next call. */
export async function authorise(
  ports: SandboxApiPorts,
  authorization: string | undefined,
  epoch: number,
): Promise<Caller> {
  const [, token] = /^Bearer (\S{1,2048})$/.exec(authorization ?? '') ?? [];
  const address = token === undefined ? undefined : parseSessionToken(token);
  if (token === undefined || address === undefined) {
    throw new WfloError('invalid_session', 'the call carries no session token');
  }
  const lease = await ports.store.getLease(address.executionId, address.path, address.attempt);
  const decision = decideSession(lease, { token, epoch, now: ports.clock.now() });
  if (decision.kind === 'refused' || lease === undefined) {
    const refusal = decision.kind === 'refused' ? decision : { code: 'invalid_session' as const, message: '' };
    throw new WfloError(refusal.code, refusal.message);
  }
  const execution = await ports.store.getExecution(address.executionId);
  if (execution === undefined) throw new WfloError('invalid_session', 'the session has no execution');
  return { address, lease, execution, presented: decision.presented, completed: decision.kind === 'completed' };
}

/**
 * Whose token a refusal was about, where the token is genuine and only the right is gone: the token is looked at first,
 * so `stale_epoch` is said to nobody else.
 */
export function callerOfStale(error: unknown, authorization: string | undefined): LeaseAddress | undefined {
  if (!WfloError.is(error) || error.code !== 'stale_epoch') return undefined;
  return parseSessionToken(authorization?.replace(/^Bearer /, '') ?? '');
}

/** For every call but a completion. */
export function requireLive(caller: Caller): void {
  if (caller.completed) throw new WfloError('stale_epoch', 'the lease was completed');
}
