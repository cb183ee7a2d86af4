import type { ErrorCode } from '../../lib/errors.ts';
import type { LeaseRecord, ModelAccess } from '../../lib/execution/records.ts';
import { decideSession, type SessionDecision } from '../../lib/sandbox/lease.ts';
import { type LeaseAddress, parseSessionToken } from '../../lib/sandbox/session-token.ts';
import { LEASE_SECONDS } from './limits.ts';
import type { GatewayPorts } from './ports.ts';

/** Who calls, proven against the stored lease. */
export interface Caller {
  readonly address: LeaseAddress;
  readonly epoch: number;
  readonly access: ModelAccess;
}

export type CallerDecision =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly fix?: string };

export interface Leases {
  decide(authorization: string | undefined, epoch: string | undefined): Promise<CallerDecision>;
  /** Reads the lease, whatever is remembered: whether its holder may still act. */
  isLive(caller: Caller): Promise<boolean>;
  /** The lease was found fenced: it is read again by the next call. */
  forget(authorization: string | undefined): void;
}

/** Tokens that are remembered at once; the oldest goes first. */
const REMEMBERED = 10_000;

/**
 * Leases by session token, each remembered for `LEASE_SECONDS`, so that a call costs no read of its own. That is safe:
 * no money is reserved without a check of the stored lease in the same transaction.
 */
export function rememberedLeases({ executions, clock }: Pick<GatewayPorts, 'executions' | 'clock'>): Leases {
  const remembered = new Map<string, { readonly lease: LeaseRecord; readonly until: number }>();

  async function read(token: string, address: LeaseAddress): Promise<LeaseRecord | undefined> {
    const lease = await executions.getLease(address.executionId, address.path, address.attempt);
    remembered.delete(token);
    return lease;
  }

  /** Only for who has proven to hold it: guesses push nobody out. */
  function remember(token: string, lease: LeaseRecord): void {
    remembered.set(token, { lease, until: clock.now().getTime() + LEASE_SECONDS * 1000 });
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }

  return {
    async decide(authorization, epochText) {
      const token = tokenOf(authorization);
      const address = token === undefined ? undefined : parseSessionToken(token);
      if (token === undefined || address === undefined) {
        return refused({ code: 'invalid_session', message: 'the call carries no session token' });
      }
      const epoch = /^\d{1,9}$/.test(epochText ?? '') ? Number(epochText) : 0;
      const known = remembered.get(token);
      const now = clock.now();
      if (known !== undefined && now.getTime() < known.until) {
        const decision = decideSession(known.lease, { token, epoch, now });
        if (decision.kind === 'live') return decisionOf(decision, { address, epoch, lease: known.lease });
      }
      const lease = await read(token, address);
      const decision = decideSession(lease, { token, epoch, now });
      if (decision.kind === 'live' && lease !== undefined) remember(token, lease);
      return decisionOf(decision, { address, epoch, lease });
    },

    async isLive({ address, epoch }) {
      const lease = await executions.getLease(address.executionId, address.path, address.attempt);
      return lease?.status === 'claimed' && lease.epoch === epoch;
    },

    forget(authorization) {
      remembered.delete(tokenOf(authorization) ?? '');
    },
  };
}

function decisionOf(
  decision: SessionDecision,
  found: { readonly address: LeaseAddress; readonly epoch: number; readonly lease: LeaseRecord | undefined },
): CallerDecision {
  if (decision.kind === 'refused') return refused(decision);
  if (decision.kind === 'completed') return refused({ code: 'stale_epoch', message: 'the lease was completed' });
  const access = found.lease?.modelAccess;
  if (access === undefined) {
    return refused({
      code: 'model_not_allowed',
      message: `the step ${found.address.path} may call no model`,
      fix: 'declare `models` on the step, and start the workflow again',
    });
  }
  return { kind: 'caller', caller: { address: found.address, epoch: found.epoch, access } };
}

function refused(refusal: {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
}): CallerDecision {
  return { kind: 'refused', ...refusal };
}

function tokenOf(authorization: string | undefined): string | undefined {
  return /^Bearer (\S{1,2048})$/.exec(authorization ?? '')?.[1];
}
