import { randomBytes } from 'node:crypto';
import { CloudWatchLogsClient, CreateLogGroupCommand, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { cloudWatchStepLogs } from '../../../lib/aws/cloudwatch-step-logs.ts';
import { dynamoAuditStore } from '../../../lib/aws/dynamo-audit-store.ts';
import { dynamoExecutionStore } from '../../../lib/aws/dynamo-execution-store.ts';
import { dynamoOutboxStore } from '../../../lib/aws/dynamo-outbox-store.ts';
import { dynamoTaskTokenReader, dynamoTaskTokenWriter } from '../../../lib/aws/dynamo-task-tokens.ts';
import { s3BlobStore } from '../../../lib/aws/s3-blob-store.ts';
import { systemClock } from '../../../lib/aws/system-clock.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import { sha256 } from '../../../lib/json.ts';
import { describeAuditStoreContract } from '../../_helpers/contracts/audit-store.ts';
import { describeBlobStoreContract } from '../../_helpers/contracts/blob-store.ts';
import { describeExecutionStoreContract } from '../../_helpers/contracts/execution-store.ts';
import { describeLedgerContract } from '../../_helpers/contracts/ledger-contract.ts';
import { ledgerOnDynamo } from '../../_helpers/contracts/ledger-on-dynamo.ts';
import { describeStepLogsContract } from '../../_helpers/contracts/step-logs.ts';
import { describeTaskTokensContract } from '../../_helpers/contracts/task-tokens.ts';
import { createTables, eventsOfChain } from '../../_helpers/create-tables.ts';
import { localAws } from '../../_helpers/local-aws.ts';

async function settings() {
  const { endpoint, region, credentials } = await localAws();
  return { endpoint, region, credentials };
}

describeExecutionStoreContract('local AWS', async (clock) => {
  const client = new DynamoDBClient(await settings());
  const tables = await createTables(client);
  return {
    store: dynamoExecutionStore({ client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 }),
    outbox: dynamoOutboxStore({ client, ...tables }),
    eventsOfChain: (chainId) => eventsOfChain(client, tables.stateTable, chainId),
    close: tables.remove,
  };
});

describeLedgerContract('local AWS', async (clock) => ledgerOnDynamo(new DynamoDBClient(await settings()), clock));

describeAuditStoreContract('local AWS', async () => {
  const client = new DynamoDBClient(await settings());
  const tables = await createTables(client);
  return { store: dynamoAuditStore({ client, ...tables }), close: tables.remove };
});

describeTaskTokensContract('local AWS', async () => {
  const client = new DynamoDBClient(await settings());
  const tables = await createTables(client);
  return {
    writer: dynamoTaskTokenWriter({ client, ...tables, clock: systemClock }),
    reader: dynamoTaskTokenReader({ client, ...tables }),
    close: tables.remove,
  };
});

async function blobStore() {
  const config = await settings();
  const dynamo = new DynamoDBClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' });
  const tables = await createTables(dynamo);
  const bucket = `blobs-${randomBytes(6).toString('hex')}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    store: s3BlobStore({
      dynamo,
      s3,
      presign: s3,
      stateTable: tables.stateTable,
      bucket,
      clock: systemClock,
      retentionDays: 400,
    }),
    close: tables.remove,
  };
}

describeBlobStoreContract('local AWS', async () => ({
  ...(await blobStore()),
  async upload({ url, headers }, body) {
    const answer = await fetch(url, { method: 'PUT', headers, body });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  },
}));

describe('presigned URLs', () => {
  const body = 'exactly this';

  it('let one upload through that is what was signed, and nothing else', async () => {
    const { store, close } = await blobStore();
    const { url, headers, key } = await store.uploadUrl('uploads/a', body.length, sha256(body));
    const put = async (text: string, more: { readonly [name: string]: string } = {}) =>
      (await fetch(url, { method: 'PUT', body: text, headers: { ...headers, ...more } })).status;
    expect(await put('exactly that')).toBe(400);
    expect(await put(`${body}!`, { 'content-length': String(body.length + 1) })).toBe(403);
    expect((await fetch(url, { method: 'PUT', body })).status).toBe(403);
    expect((await fetch(url)).status).toBe(403);
    expect(await put(body)).toBe(200);
    const download = await store.downloadUrl(key);
    expect(await (await fetch(download)).text()).toBe(body);
    expect((await fetch(download.replace('uploads/a', 'uploads/b'))).status).toBe(403);
    await close();
  });

  it('of an outcome let it be put, whatever its length, and nothing else', async () => {
    const { store, close } = await blobStore();
    const url = await store.outcomeUrl('uploads/outcome.json');
    const put = async (to: string, text: string) => (await fetch(to, { method: 'PUT', body: text })).status;
    expect(await put(url, body)).toBe(200);
    expect(await put(url, `${body}!`)).toBe(200);
    expect(await store.readSmall('uploads/outcome.json', 100)).toBe(`${body}!`);
    expect(await put(url.replace('outcome.json', 'output'), body)).toBe(403);
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
    await close();
  });

  it('end after 15 minutes', async () => {
    const { store, close } = await blobStore();
    const seconds = (url: string) => Number(new URL(url).searchParams.get('X-Amz-Expires'));
    expect(seconds(await store.downloadUrl('code/x'))).toBe(900);
    expect(seconds((await store.uploadUrl('uploads/a', 1, sha256('x'))).url)).toBe(900);
    expect(seconds(await store.outcomeUrl('uploads/outcome.json'))).toBe(900);
    await close();
  });
});

describeStepLogsContract('local AWS', async () => {
  const client = new CloudWatchLogsClient(await settings());
  const logGroupName = `/test/${randomBytes(6).toString('hex')}`;
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  return {
    logs: cloudWatchStepLogs({ client, logGroup: logGroupName, clock: systemClock }),
    async close() {
      await client.send(new DeleteLogGroupCommand({ logGroupName }));
    },
  };
});
