import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { EventBridgeEvent } from 'aws-lambda';
import type { BusDetail } from '../../lib/aws/event-bridge-bus.ts';
import { environment } from '../shared/environment.ts';
import { once } from '../shared/once.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { metrics, tracer } from '../shared/powertools.ts';
import { tellBudgets } from './tell.ts';

const sns = once(() => tracer.captureAWSv3Client(new SNSClient({})));

export const handler = platformHandler<EventBridgeEvent<string, BusDetail>, boolean>(
  {
    correlate: ({ detail: { executionId, stepPath, attempt } }) => ({
      executionId,
      ...(stepPath === undefined ? {} : { stepPath }),
      ...(attempt === undefined ? {} : { attempt }),
    }),
    summarise: (told) => ({ told }),
  },
  ({ detail }) =>
    tellBudgets(
      {
        stage: environment('WFLO_STAGE'),
        publish: async ({ subject, message }) => {
          await sns().send(
            new PublishCommand({ TopicArn: environment('BUDGET_TOPIC'), Subject: subject, Message: message }),
          );
        },
        count: (metric, workflow) =>
          metrics.singleMetric().addDimension('workflow', workflow).addMetric(metric, 'Count', 1),
      },
      detail,
    ),
);
