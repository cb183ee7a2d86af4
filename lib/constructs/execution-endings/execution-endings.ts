import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { DeadLetterQueue } from '../dead-letter-queue/dead-letter-queue.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

export interface ExecutionEndingsProps {
  readonly stage: string;
  readonly handler: PlatformFunction;
  /** Gets events that could not be delivered, and those that the function failed on. */
  readonly undelivered: DeadLetterQueue;
  /** Over that queue. */
  readonly telemetryKey: IKey;
}

/** Tells the handler of every execution of the stage that ended without reaching Close. */
export class ExecutionEndings extends Construct {
  constructor(scope: Construct, id: string, { stage, handler, undelivered, telemetryKey }: ExecutionEndingsProps) {
    super(scope, id);
    const prefix = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: `wflo-${stage}-`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    new Rule(this, 'Rule', {
      ruleName: `wflo-${stage}-execution-ended`,
      description: 'Executions that ended without reaching Close',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [{ prefix }] },
      },
      targets: [
        new LambdaFunction(handler.function, {
          deadLetterQueue: undelivered,
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
    // The rule's queue gets what could not be handed over; a call that was handed over and failed ends here.
    handler
      .allow(['sqs:SendMessage'], [undelivered.queueArn])
      .useKeyThrough('sqs', telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey']);
    handler.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: { bind: () => ({ destination: undelivered.queueArn }) },
    });
  }
}
