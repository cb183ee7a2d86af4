import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { CostSignals } from '../../lib/execution/close-compute.ts';
import { logger, metrics } from './powertools.ts';

/** Counts and logs what cost more than was held for it: it must never happen, and a budget may be overspent by it. */
export const costSignals: CostSignals = {
  boundViolated: ({ holdId, payer, amount }, cost) => {
    const { executionId, path, attempt } = payer;
    metrics.addMetric('BoundViolated', MetricUnit.Count, 1);
    logger.error('a sandbox cost more than was held for it', {
      ...{ executionId, stepPath: path, attempt },
      ...{ holdId, heldNanoUsd: amount, costNanoUsd: cost },
    });
  },
};
