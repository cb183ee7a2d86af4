import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import type { LedgerEntry } from '../../lib/budget/ledger.ts';
import { dollars, type NanoUsd, sumUsd, ZERO_USD } from '../../lib/budget/money.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { announcements, clock, executionStore, ids } from '../shared/ports.ts';
import { logger, metrics } from '../shared/powertools.ts';
import { type Watched, watchLedger } from './watch-ledger.ts';

export const handler = platformHandler<DynamoDBStreamEvent, Watched>(
  {
    summarise: ({ alerts, unsettled, entries }) => ({
      alerts,
      unsettled: unsettled.length,
      entries: entries.length,
    }),
  },
  async ({ Records }) => {
    const ports = { executions: executionStore(), announcements: announcements(), ids, clock };
    const watched = await watchLedger(ports, Records);
    if (watched.unsettled.length > 0) metrics.addMetric('UnsettledHolds', MetricUnit.Count, watched.unsettled.length);
    countViolations(watched.entries);
    countSpent(watched.entries, ({ payer }) => ({ workflow: payer.workflow }));
    countSpent(watched.entries, ({ purpose }) => ({ provider: purpose.provider, model: purpose.model }));
    return watched;
  },
);

/**
 * A bound that did not bound, of a call or a sandbox: every entry comes by here, whoever settled it. Each is logged with
 * what finds it; the alarm wants none.
 */
function countViolations(entries: readonly LedgerEntry[]): void {
  const violations = entries.filter(({ cost, held }) => cost > held);
  for (const { holdId, payer, purpose, held, cost } of violations) {
    logger.error('more was spent than was held for it', {
      executionId: payer.executionId,
      holdId,
      provider: purpose.provider,
      model: purpose.model,
      heldNanoUsd: held,
      costNanoUsd: cost,
    });
  }
  if (violations.length > 0) metrics.addMetric('BoundViolated', MetricUnit.Count, violations.length);
}

/** Dollars by what names them. Workflows are those that are deployed, and models those of the price book. */
function countSpent(
  entries: readonly LedgerEntry[],
  dimensionsOf: (entry: LedgerEntry) => { readonly [dimension: string]: string },
): void {
  const sums = new Map<string, NanoUsd>();
  for (const entry of entries) {
    const key = JSON.stringify(dimensionsOf(entry));
    sums.set(key, sumUsd(sums.get(key) ?? ZERO_USD, entry.cost));
  }
  for (const [key, spent] of sums) {
    const metric = metrics.singleMetric();
    metric.addDimensions(JSON.parse(key) as Record<string, string>);
    metric.addMetric('SpentUsd', MetricUnit.NoUnit, dollars(spent));
  }
}
