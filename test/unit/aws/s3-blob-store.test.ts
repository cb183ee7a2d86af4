import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { HttpResponse } from '@smithy/protocol-http';
import { expect, it } from 'vitest';
import { s3BlobStore } from '../../../lib/aws/s3-blob-store.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';

/** A store whose every object is `body`; `read` tells whether any of it was taken. */
function storeOf(body: string) {
  const seen = { read: false };
  const stream = new Readable({
    read() {
      seen.read = true;
      this.push(body);
      this.push(null);
    },
  });
  const s3 = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: {
      async handle() {
        const headers = { 'content-length': String(Buffer.byteLength(body)) };
        return { response: new HttpResponse({ statusCode: 200, headers, body: stream }) };
      },
    },
  });
  const dynamo = new DynamoDBClient({ region: 'us-east-1' });
  const names = { stateTable: 'state', bucket: 'bucket', retentionDays: 400 };
  return { seen, stream, store: s3BlobStore({ dynamo, s3, presign: s3, clock: new FakeClock(), ...names }) };
}

it('reads a small object', async () => {
  const { store, seen } = storeOf('{"a":1}');
  expect(await store.readSmall('uploads/outcome.json', 7)).toBe('{"a":1}');
  expect(seen.read).toBe(true);
});

it('reads nothing of an object above the limit, and lets its connection go', async () => {
  const { store, seen, stream } = storeOf('{"a":1}');
  await expect(store.readSmall('uploads/outcome.json', 6)).rejects.toMatchObject({ code: 'invalid_request' });
  expect(seen.read).toBe(false);
  expect(stream.destroyed).toBe(true);
});
