import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { DeadLetterQueue } from '../dead-letter-queue/dead-letter-queue.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

export interface StreamConsumerProps {
  readonly handler: PlatformFunction;
  readonly table: Table;
  /** Over the table and its stream. */
  readonly dataKey: IKey;
  /** Gets the positions of batches that were given up. */
  readonly undelivered: DeadLetterQueue;
  /** Over that queue. */
  readonly telemetryKey: IKey;
  readonly changes: readonly ('INSERT' | 'MODIFY')[];
  /** Only items whose attribute has one of these values. */
  readonly only?: { readonly attribute: string; readonly values: readonly string[] };
  /** After this long a batch that fails is given up, and holds up those after it no more. @default 5 minutes */
  readonly maxAge?: Duration;
  /** @default 10 */
  readonly batchSize?: number;
}

/** Hands changed items of a table to a function, those of one partition in order. A stream has two consumers at most. */
export class StreamConsumer extends Construct {
  constructor(scope: Construct, id: string, props: StreamConsumerProps) {
    super(scope, id);
    const { handler, table, undelivered, changes, only, maxAge = Duration.minutes(5), batchSize = 10 } = props;
    const streamArn = table.tableStreamArn;
    if (streamArn === undefined) throw new Error(`${table.node.path} has no stream`);

    handler
      .allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [streamArn])
      .allowOnAny(['dynamodb:ListStreams'], 'ListStreams has no resource, and Lambda refuses a mapping without it')
      .useKeyThrough('dynamodb', props.dataKey, ['kms:Decrypt'])
      .allow(['sqs:SendMessage'], [undelivered.queueArn])
      .useKeyThrough('sqs', props.telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey']);

    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: handler.function,
      eventSourceArn: streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize,
      // More would put the items of one partition out of order.
      parallelizationFactor: 1,
      // The handler throws on the first record that fails; AWS halves the batch until that record is alone.
      bisectBatchOnError: true,
      retryAttempts: 10,
      // The local AWS repeats a failing batch for ever and knows only this end.
      maxRecordAge: maxAge,
      onFailure: { bind: () => ({ destination: undelivered.queueArn }) },
      filters: [
        FilterCriteria.filter({
          eventName: equals(changes),
          ...(only === undefined ? {} : { dynamodb: { NewImage: { [only.attribute]: { S: equals(only.values) } } } }),
        }),
      ],
    });
    // Lambda checks the permissions when the mapping is made.
    mapping.node.addDependency(handler.role);
  }
}

function equals(values: readonly string[]): string[] {
  return FilterRule.or(...values);
}
