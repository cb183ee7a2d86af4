import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { dynamoExecutionStore } from '../../../lib/aws/dynamo-execution-store.ts';
import { s3BlobStore } from '../../../lib/aws/s3-blob-store.ts';
import { recordOf } from '../../../lib/aws/state-keys.ts';
import { NOTHING_FROZEN } from '../../../lib/execution/records.ts';
import type { Change } from '../../../lib/ports.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { aLease, anAttempt, anExecution } from '../../_helpers/fakes/records.ts';
import { scriptedAws } from '../../_helpers/scripted-aws.ts';

const RETENTION_DAYS = 100;
const execution = anExecution();
const { executionId } = execution;

interface Write {
  readonly Item?: Readonly<Record<string, unknown>>;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
}

/** Stores whose requests can be read. `daysFromNow` is an attribute value. */
function stores() {
  const aws = scriptedAws(() => ({}));
  const [clock, ids] = [new FakeClock(), new FakeIds()];
  const client = new DynamoDBClient(aws.settings);
  const options = { stateTable: 'state', eventsTable: 'events', clock, ids, retentionDays: RETENTION_DAYS };
  return {
    store: dynamoExecutionStore({ client, ...options }),
    blobs: () => {
      const s3 = new S3Client({ region: 'us-east-1' });
      return s3BlobStore({ dynamo: client, s3, presign: s3, bucket: 'bucket', ...options });
    },
    daysFromNow: (days: number) => ({ N: String(Math.floor(clock.now().getTime() / 1000) + days * 86_400) }),
    event: () =>
      buildEvent({ ids, clock }, execution, {
        type: 'workflow.cancelled',
        data: { reason: 'test' },
        actor: { type: 'system', id: 'test', via: 'test' },
      }),
    /** Writes to the State table in the last request. */
    writes(): readonly Write[] {
      const { TransactItems } = JSON.parse(aws.requests.at(-1)?.body ?? '') as {
        TransactItems: readonly Readonly<Record<string, Write & { readonly TableName: string }>>[];
      };
      return TransactItems.flatMap((item) => Object.values(item)).filter(({ TableName }) => TableName === 'state');
    },
    body: () => JSON.parse(aws.requests.at(-1)?.body ?? '') as Write,
  };
}

/** The value that an update gives the attribute; undefined where it does not set it. */
function stampOf({ Item, UpdateExpression, ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: Write) {
  if (Item !== undefined) return Item.forgetAt;
  const alias = Object.entries(ExpressionAttributeNames).find(([, name]) => name === 'forgetAt')?.[0];
  const value = alias === undefined ? undefined : new RegExp(`${alias} = (:v\\d+)`).exec(UpdateExpression ?? '')?.[1];
  return value === undefined ? undefined : ExpressionAttributeValues[value];
}

describe('a record', () => {
  const attempt = anAttempt();
  const lease = aLease();
  const at = ({ path, attempt }: { readonly path: string; readonly attempt: number }) => ({ path, attempt });

  it('expires the retention time after it was put; the name of its execution does not', async () => {
    const { store, writes, daysFromNow } = stores();
    await store.commit({
      executionId,
      changes: [
        { item: 'execution', put: execution },
        { item: 'attempt', ...at(attempt), put: attempt },
        { item: 'lease', ...at(lease), put: lease },
      ],
      events: [],
    });
    const [name, ...records] = [...writes()].reverse();
    expect(records.map(stampOf)).toEqual([1, 2, 3].map(() => daysFromNow(RETENTION_DAYS)));
    expect(name).toMatchObject({
      Item: { pk: { S: `EXEC#${executionId}` }, sk: { S: 'NAME' } },
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    expect(stampOf(name ?? {})).toBeUndefined();
  });

  it.each<readonly [string, Change]>([
    ['a field is set', { item: 'execution', set: { status: 'failed' }, expect: { status: 'running' } }],
    ['a field is removed', { item: 'execution', remove: ['checkAt'] }],
  ])('expires the retention time after %s', async (_what, change) => {
    const { store, writes, daysFromNow } = stores();
    await store.commit({ executionId, changes: [change], events: [] });
    expect(writes().map(stampOf)).toEqual([daysFromNow(RETENTION_DAYS)]);
  });

  it('lives on with every event that it counts', async () => {
    const { store, writes, daysFromNow, event } = stores();
    await store.commit({ executionId, changes: [], events: [event()] });
    expect(writes().map(stampOf)).toEqual([daysFromNow(RETENTION_DAYS)]);
  });

  it('is not written when it is only compared', async () => {
    const { store, writes } = stores();
    await store.commit({
      executionId,
      changes: [{ item: 'execution', expect: { status: 'running' } }],
      events: [],
    });
    const [check, ...others] = writes();
    expect(others).toEqual([]);
    expect(check?.UpdateExpression).toBeUndefined();
  });

  it('is read without the time of its expiry', () => {
    expect(recordOf({ pk: 'EXEC#a:b', sk: 'META', status: 'failed', forgetAt: 1 })).toEqual({ status: 'failed' });
  });
});

describe('what belongs to no execution', () => {
  it('does not expire: the count of a workflow', async () => {
    const { store, writes } = stores();
    await store.commit({
      executionId,
      changes: [{ item: 'openCount', tenant: 'default', workflow: 'report', add: 1, limit: 3 }],
      events: [],
    });
    expect(JSON.stringify(writes())).not.toContain('forgetAt');
    expect(writes()).toHaveLength(1);
  });

  it('does not expire: the emergency stop, and the count of events of a tenant', async () => {
    const { store, writes, event } = stores();
    await store.setFreeze({ ...NOTHING_FROZEN, version: 1 }, [{ ...event(), executionId: 'tenant:default' }]);
    expect(JSON.stringify(writes())).not.toContain('forgetAt');
    expect(writes()).toHaveLength(2);
  });
});

it('a stored value expires after twice the retention time, so that no record that names it is left', async () => {
  const { blobs, body, daysFromNow } = stores();
  await blobs().put(executionId, 'input', { days: 7 });
  expect(stampOf(body())).toEqual(daysFromNow(2 * RETENTION_DAYS));
});
