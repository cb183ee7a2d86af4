import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { describeFailure } from '../shared/platform-handler.ts';
import { logger, metrics } from '../shared/powertools.ts';
import type { GatewaySignals } from './ports.ts';

/** Counts as metrics, one line for each call, and what a person should look at. */
export const gatewaySignals: GatewaySignals = {
  count: (metric) => metrics.addMetric(metric, MetricUnit.Count, 1),
  called: (line) => logger.info('model call', { ...line }),
  noticed: (what, details) => logger.warn(what, { ...details }),
  failed: (what, error, details) => logger.error(what, { ...details, failure: describeFailure(error) }),
};
