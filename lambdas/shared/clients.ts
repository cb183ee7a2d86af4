import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { stepFunctionClient } from '../../lib/aws/lambda-invoker.ts';
import { presigningS3Client } from '../../lib/aws/s3-clients.ts';
import { presignEndpoint } from './environment.ts';
import { once } from './once.ts';
import { tracer } from './powertools.ts';

/**
 * SDK clients of a function, each made when it is first used and kept for later invocations. Region, endpoint and
 * credentials come from the SDK's own environment. `PURE`: a bundle holds only the clients that its function uses.
 */
export const dynamo = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new DynamoDBClient({})));
/** A ledger that does not answer is told in time for the caller: nothing waits for it longer than this (milliseconds). */
export const ledgerDynamo = /* @__PURE__ */ once(() =>
  tracer.captureAWSv3Client(
    new DynamoDBClient({
      requestHandler: { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
    }),
  ),
);
export const s3 = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new S3Client({})));
/** Only signs, so there is nothing to trace. */
export const presignS3 = /* @__PURE__ */ once(() => presigningS3Client(presignEndpoint()));
export const ecs = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new ECSClient({})));
export const eventBridge = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new EventBridgeClient({})));
export const stepFunctions = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new SFNClient({})));
export const lambda = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(stepFunctionClient()));
export const cloudWatchLogs = /* @__PURE__ */ once(() => tracer.captureAWSv3Client(new CloudWatchLogsClient({})));
