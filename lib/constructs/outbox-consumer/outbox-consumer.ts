import { Duration } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { DeadLetterQueue } from '../dead-letter-queue/dead-letter-queue.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

export interface OutboxConsumerProps {
  readonly handler: PlatformFunction;
  readonly eventsTable: Table;
  /** Over the table and its stream. */
  readonly dataKey: IKey;
  /** Gets the positions of batches that were given up. */
  readonly undelivered: DeadLetterQueue;
  /** Over that queue. */
  readonly telemetryKey: IKey;
  /** After this long a batch that fails is given up, and holds up those after it no more. @default 5 minutes */
  readonly maxAge?: Duration;
  /** Only items whose attribute has this value, which the writer of the outbox sets. */
  readonly only?: { readonly attribute: string; readonly value: string };
}

/** Hands new items of the outbox to a function, those of one execution in order. A stream has two consumers at most. */
export class OutboxConsumer extends Construct {
  constructor(scope: Construct, id: string, props: OutboxConsumerProps) {
    super(scope, id);
    const { handler, eventsTable, undelivered, only, maxAge = Duration.minutes(5) } = props;
    const streamArn = eventsTable.tableStreamArn;
    if (streamArn === undefined) throw new Error(`${eventsTable.node.path} has no stream`);

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
      batchSize: 10,
      // More would put the items of one execution out of order.
      parallelizationFactor: 1,
      // The handler throws on the first record that fails; AWS halves the batch until that record is alone.
      bisectBatchOnError: true,
      retryAttempts: 10,
      // The local AWS repeats a failing batch for ever and knows only this end. What is given up is still unpublished
      // in the table, and `reconcile` publishes it later.
      maxRecordAge: maxAge,
      onFailure: { bind: () => ({ destination: undelivered.queueArn }) },
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual('INSERT'),
          ...(only === undefined
            ? {}
            : { dynamodb: { NewImage: { [only.attribute]: { S: FilterRule.isEqual(only.value) } } } }),
        }),
      ],
    });
    // Lambda checks the permissions when the mapping is made.
    mapping.node.addDependency(handler.role);
  }
}
