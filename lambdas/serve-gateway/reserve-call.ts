import { worstCaseOf } from '../../lib/budget/cost.ts';
import type { HoldRequest, Payer, ReserveResult } from '../../lib/budget/ledger.ts';
import { type NanoUsd, ZERO_USD } from '../../lib/budget/money.ts';
import { WfloError } from '../../lib/errors.ts';
import { budgetPending, overBudget, rateLimited } from '../../lib/model-calls/refusals.ts';
import type { CallRefusal, ModelCall } from '../../lib/model-calls/wire-format.ts';
import { closeHold } from './close-hold.ts';
import { type AnnounceExceeded, meaningOf, stopExecution } from './exceeded.ts';
import { fittingOutputTokens } from './fitting-output.ts';
import type { InFlight } from './in-flight.ts';
import type { Caller } from './lease.ts';
import { ASK_SECONDS, HOLD_SECONDS } from './limits.ts';
import type { GatewayPorts } from './ports.ts';
import { refusal } from './refusals.ts';
import { waitForRaise } from './wait-for-raise.ts';

/** After which a person may have answered. */
const PENDING_SECONDS = 30;

/** Money that is reserved for one call; `holdId` is absent where there is nothing to reserve. */
export interface Reservation {
  readonly holdId?: string;
  readonly amount: NanoUsd;
  readonly payer: Payer;
}

export interface Reserving {
  readonly ports: GatewayPorts;
  readonly inFlight: InFlight;
  readonly announceExceeded: AnnounceExceeded;
}

export type Reserved =
  | { readonly kind: 'held'; readonly reservation: Reservation }
  | {
      readonly kind: 'refused';
      readonly refusal: CallRefusal;
      /** The execution ends: its agent is to be ended too. */
      readonly stop: boolean;
      /** The lease is not what was remembered of it. */
      readonly fenced: boolean;
    };

/**
 * Reserves the worst case of a call in every budget that it touches, before it leaves. One round trip where it fits.
 * Throws `unpriced_feature`, `ledger_busy`, `ledger_unreachable`.
 */
export async function reserveCall(
  { ports, inFlight, announceExceeded }: Reserving,
  caller: Caller,
  call: ModelCall,
  gone: AbortSignal,
): Promise<Reserved> {
  const { access, address, epoch } = caller;
  const { tenant, workflow, agent } = access;
  const payer: Payer = { tenant, workflow, agent, ...address };
  const amount = worstCaseOf(call.bound, call.price);
  const tokens = call.bound.inputTokens + call.bound.outputTokens;
  if (amount === ZERO_USD && tokens === 0) return { kind: 'held', reservation: { amount, payer } };

  let deadline: number | undefined;
  for (;;) {
    const holdId = ports.ids.next();
    const result = await reserve(ports, inFlight, {
      holdId,
      kind: 'call',
      payer,
      purpose: { provider: call.provider, model: call.price.model, priceBook: ports.prices.sha256 },
      amount,
      expiresAt: new Date(ports.clock.now().getTime() + HOLD_SECONDS * 1000).toISOString(),
      leaseEpoch: epoch,
      ...(access.rate === undefined ? {} : { rate: access.rate }),
      tokens,
    });
    if (result.kind === 'held') return { kind: 'held', reservation: { holdId, amount, payer } };
    if (result.kind === 'fenced') {
      return refusedWith(refusal('stale_epoch', 'the lease was fenced or completed'), { fenced: true });
    }
    if (result.kind === 'limited') return refusedWith(rateLimited(result.limit, result.retryAfterSeconds));

    const refused = overBudget(result.refusal, fittingOutputTokens(call, result.refusal));
    const meaning = meaningOf(caller, result.refusal);
    if (meaning === 'stop') {
      await stopExecution(ports, caller, result.refusal);
      return refusedWith(refused, { stop: true });
    }
    if (result.refusal.code === 'budget_exhausted') await announceExceeded(caller, result.refusal, meaning);
    if (meaning === 'deny') return refusedWith(refused);
    // One wait for the call, however often it finds that it still does not fit.
    deadline ??= ports.clock.now().getTime() + ASK_SECONDS * 1000;
    const wait = { deadline, gone, isStopping: () => inFlight.stopping };
    const waited = await waitForRaise(ports, caller, result.refusal, wait);
    if (waited === 'rejected') return refusedWith(refused);
    if (waited === 'pending') return refusedWith(budgetPending(result.refusal, PENDING_SECONDS));
  }
}

/** Where nobody knows whether the hold was made, it is given back: nothing has been called under it. */
async function reserve(ports: GatewayPorts, inFlight: InFlight, request: HoldRequest): Promise<ReserveResult> {
  try {
    return await ports.ledger.reserve(request);
  } catch (error) {
    if (!WfloError.is(error) || error.code === 'ledger_unreachable') {
      ports.signals.count('LedgerUnreachable');
      const { holdId, payer } = request;
      inFlight.follow(closeHold(ports, { executionId: payer.executionId, holdId }, { kind: 'release' }));
    }
    throw error;
  }
}

function refusedWith(
  refused: CallRefusal,
  more: { readonly stop?: boolean; readonly fenced?: boolean } = {},
): Reserved {
  return { kind: 'refused', refusal: refused, stop: more.stop ?? false, fenced: more.fenced ?? false };
}
