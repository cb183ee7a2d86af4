import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { OutcomeSignals } from '../../lib/execution/record-signed-outcome.ts';
import { logger, metrics } from './powertools.ts';

/** Counts and logs an `outcome.json` that does not count. The reason holds nothing of its content. */
export const outcomeSignals: OutcomeSignals = {
  outcomeRefused: ({ executionId, path, attempt, leaseId }, why) => {
    metrics.addMetric('OutcomeRefused', MetricUnit.Count, 1);
    logger.warn('an outcome.json was refused', { executionId, stepPath: path, attempt, leaseId, why });
  },
};
