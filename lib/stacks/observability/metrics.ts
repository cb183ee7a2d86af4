import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { DeadLetterQueue } from '../../constructs/dead-letter-queue/dead-letter-queue.ts';
import type { PlatformFunction } from '../../constructs/platform-function/platform-function.ts';
import type { ServiceApi } from '../../constructs/service-api/service-api.ts';

// No label on what an alarm watches: with one, the alarm is written as metric math.
// By name: alarms shall not hold the resources that they watch through imports.

export function functionMetric(fn: PlatformFunction, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/Lambda',
    metricName,
    dimensionsMap: { FunctionName: fn.functionName },
    statistic,
    period: Duration.minutes(1),
  });
}

export function queueMetric(queue: DeadLetterQueue): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensionsMap: { QueueName: queue.name },
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(1),
  });
}

export function serverErrors(api: ServiceApi): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName: '5XXError',
    dimensionsMap: { ApiName: api.name },
    label: api.node.id,
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  });
}

/** A metric that a handler counts itself. */
export function counted(
  metricName: string,
  service: string,
  dimensions: Readonly<Record<string, string>> = {},
): Metric {
  return new Metric({
    namespace: 'Wflo',
    metricName,
    dimensionsMap: { service, ...dimensions },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  });
}
