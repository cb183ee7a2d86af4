import { costOf } from '../../lib/budget/cost.ts';
import type { LedgerEntry } from '../../lib/budget/ledger.ts';
import type { NanoUsd } from '../../lib/budget/money.ts';
import type { ModelPrice } from '../../lib/budget/price-book.ts';
import type { Usage } from '../../lib/budget/usage.ts';
import type { Json } from '../../lib/json.ts';
import type { Metered } from '../../lib/model-calls/wire-format.ts';
import { CLOSE_SECONDS } from './limits.ts';
import type { GatewayPorts } from './ports.ts';
import { sleep } from './sleep.ts';

/** How the connection to the provider ended. */
export type TransportEnd =
  | { readonly kind: 'whole' }
  /** The provider, or the network, broke it off. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** The gateway did: what the provider went on to produce was not seen. */
  | { readonly kind: 'aborted'; readonly reason: string }
  /** Nothing reached the provider. */
  | { readonly kind: 'not_sent'; readonly reason: string }
  /** The request may have reached it, and nothing came back. */
  | { readonly kind: 'no_answer'; readonly reason: string };

/** What becomes of a hold. */
export type Closing =
  | {
      readonly kind: 'settle';
      readonly cost: NanoUsd;
      readonly source: LedgerEntry['source'];
      readonly usage: Usage;
      readonly raw?: Json;
      readonly reason?: string;
    }
  | { readonly kind: 'release' }
  | { readonly kind: 'unsettle'; readonly reason: string };

/** Never less than what may be charged. `metered`: absent where there was no answer. */
export function closingOf(
  end: TransportEnd,
  metered: Metered | undefined,
  { price, amount }: { readonly price: ModelPrice; readonly amount: NanoUsd },
): Closing {
  if (end.kind === 'not_sent') return { kind: 'release' };
  if (metered === undefined) return { kind: 'unsettle', reason: reasonOf(end) };
  if (metered.kind === 'not_charged') return { kind: 'release' };
  try {
    if (metered.kind === 'reported') {
      const { usage, raw } = metered;
      return { kind: 'settle', cost: costOf(usage, price), source: 'reported', usage, raw };
    }
    const reason = end.kind === 'whole' ? metered.reason : `${reasonOf(end)}: ${metered.reason}`;
    if (metered.atMost === undefined || end.kind === 'aborted') return { kind: 'unsettle', reason };
    const cost = costOf(metered.atMost, price);
    // Both are upper bounds.
    return { kind: 'settle', cost: cost < amount ? cost : amount, source: 'estimated', usage: metered.atMost, reason };
  } catch (error) {
    // Something was used that has no price: the provider charges for it, and nobody here knows how much.
    return { kind: 'unsettle', reason: error instanceof Error ? error.message : String(error) };
  }
}

function reasonOf(end: TransportEnd): string {
  return end.kind === 'whole' ? 'the provider gave no answer' : end.reason;
}

type Ports = Pick<GatewayPorts, 'ledger' | 'signals' | 'clock'>;

/**
 * Closes a hold once. A ledger that does not answer is asked again for a while; then the hold stays open, and is found
 * by `reconcile`. Never throws. False where it stays open.
 */
export async function closeHold(
  ports: Ports,
  hold: { readonly executionId: string; readonly holdId: string },
  closing: Closing,
): Promise<boolean> {
  const deadline = ports.clock.now().getTime() + CLOSE_SECONDS * 1000;
  for (let wait = 100; ; wait *= 2) {
    try {
      await closeOnce(ports, hold, closing);
      return true;
    } catch (error) {
      if (ports.clock.now().getTime() + wait > deadline) {
        ports.signals.count('HoldNotClosed');
        ports.signals.failed('a hold was not closed', error, { ...hold, closing: closing.kind });
        return false;
      }
      await sleep(wait * (0.5 + Math.random()));
    }
  }
}

async function closeOnce(
  { ledger, signals }: Ports,
  { executionId, holdId }: { readonly executionId: string; readonly holdId: string },
  closing: Closing,
): Promise<void> {
  switch (closing.kind) {
    case 'release':
      await ledger.release(executionId, holdId);
      return;
    case 'unsettle':
      await ledger.unsettle(executionId, holdId, closing.reason);
      signals.count('CallUnsettled');
      return;
    case 'settle': {
      const { kind: _kind, ...settlement } = closing;
      const result = await ledger.settle({ executionId, holdId, ...settlement });
      if (result.kind === 'unknown') {
        signals.count('HoldNotClosed');
        signals.noticed('a hold that was made is not in the ledger', { executionId, holdId });
      }
    }
  }
}
