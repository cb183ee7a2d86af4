import { DeleteTableCommand, DescribeTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { DeleteEventBusCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DeleteBucketCommand, DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import type { StageData } from '../stage-data.ts';
import { unlessGone, until } from './gone.ts';
import type { ClientSettings } from './stage-cloud.ts';

/** The account of the environment's credentials. */
export function awsStageData(settings: ClientSettings = { maxAttempts: 8 }, pauseMs?: number): StageData {
  const dynamo = new DynamoDBClient(settings);
  const events = new EventBridgeClient(settings);
  const s3 = new S3Client(settings);
  return {
    async emptyBucket(bucket) {
      await unlessGone(empty(s3, bucket));
    },

    async deleteBucket(Bucket) {
      await unlessGone(s3.send(new DeleteBucketCommand({ Bucket })));
    },

    async deleteTable(TableName) {
      const status = async () => {
        const found = await unlessGone(dynamo.send(new DescribeTableCommand({ TableName })));
        return found?.Table;
      };
      const table = await status();
      if (table === undefined) return;
      if (table.DeletionProtectionEnabled) {
        await dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
        await until(`the change of ${TableName}`, async () => (await status())?.TableStatus === 'ACTIVE', pauseMs);
      }
      await unlessGone(dynamo.send(new DeleteTableCommand({ TableName })));
      await until(`the deletion of ${TableName}`, async () => (await status()) === undefined, pauseMs);
    },

    /** No error for a bus that is not there. */
    async deleteEventBus(Name) {
      await events.send(new DeleteEventBusCommand({ Name }));
    },
  };
}

/** The first page again and again: what it held is gone when it is asked for next. */
async function empty(s3: S3Client, Bucket: string): Promise<void> {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return;
    const { Errors: [failed] = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (failed !== undefined) throw new Error(`${Bucket}/${failed.Key}: ${failed.Message ?? failed.Code}`);
  }
}
