import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { relayStream } from '../../../../lambdas/relay-events/relay-stream.ts';
import { verifyChain } from '../../../../lib/audit/chain.ts';
import type { OutboxItem } from '../../../../lib/audit/events.ts';
import type { Json } from '../../../../lib/json.ts';
import { EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  await scene.prepare();
});

/** A stream record as DynamoDB writes it. */
function streamRecord(
  image: { readonly [name: string]: Json },
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE' = 'INSERT',
): DynamoDBRecord {
  const { pk, sk } = image;
  return {
    eventName,
    dynamodb: { Keys: { pk: attribute(pk ?? null), sk: attribute(sk ?? null) }, NewImage: attributes(image) },
  };
}
const row = (item: OutboxItem): { readonly [name: string]: Json } => ({
  pk: `EXEC#${item.executionId}`,
  sk: item.outboxId,
  unpublishedShard: '7',
  ...(item as unknown as { readonly [name: string]: Json }),
});
const inserts = () => scene.executions.outbox(EXECUTION_ID).map((item) => streamRecord(row(item)));
const chain = async () => (await scene.audit.list(EXECUTION_ID, 0, 100)).items;

function attribute(value: Json): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: (value as readonly Json[]).map(attribute) };
  return { M: attributes(value as { readonly [name: string]: Json }) };
}
function attributes(image: { readonly [name: string]: Json }): { [name: string]: AttributeValue } {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, attribute(value)]));
}

describe('relaying new items', () => {
  it('appends them to the chain, publishes them in order, and marks them', async () => {
    expect(await relayStream(scene, inserts())).toEqual({ relayed: 2, gaps: 0, unknown: 0 });
    const records = await chain();
    expect(records.map(({ event }) => event)).toEqual(scene.executions.events(EXECUTION_ID));
    expect(scene.bus.published).toEqual(records);
    expect(scene.executions.outbox().every(({ publishedAt }) => publishedAt !== undefined)).toBe(true);
    expect(verifyChain(records, (await scene.execution()).eventCount)).toMatchObject({ ok: true });
  });

  it('publishes again on a replay, and appends nothing', async () => {
    await relayStream(scene, inserts());
    const before = await chain();
    await relayStream(scene, inserts());
    expect(await chain()).toEqual(before);
    expect(scene.bus.published).toEqual([...before, ...before]);
  });

  it('ignores its own mark and the expiry', async () => {
    const [first] = scene.executions.outbox(EXECUTION_ID);
    if (first === undefined) throw new Error('no outbox item');
    const records = [streamRecord(row(first), 'MODIFY'), streamRecord(row(first), 'REMOVE')];
    expect(await relayStream(scene, records)).toEqual({ relayed: 0, gaps: 0, unknown: 0 });
    expect(scene.bus.published).toEqual([]);
  });
});

describe('a failure', () => {
  it('ends the batch at that item, so that it comes again whole and in order', async () => {
    scene.bus.failure = new Error('throttled');
    await expect(relayStream(scene, inserts())).rejects.toThrow('throttled');
    expect(await chain()).toHaveLength(1);
    expect(scene.bus.published).toEqual([]);
    expect(scene.executions.outbox().filter(({ publishedAt }) => publishedAt !== undefined)).toEqual([]);

    await relayStream(scene, inserts());
    expect((await chain()).map(({ event }) => event.eventType)).toEqual(['workflow.started', 'step.prepared']);
    expect(scene.bus.published.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('an item that cannot be read', () => {
  const poison = {
    pk: `EXEC#${EXECUTION_ID}`,
    sk: '01POISON000000000000000001',
    schema: 1,
    events: 'none',
    secret: 'hunter2',
  };

  it('becomes a gap in the chain, and does not stop what follows', async () => {
    const [first, second] = inserts();
    if (first === undefined || second === undefined) throw new Error('no outbox items');
    expect(await relayStream(scene, [first, streamRecord(poison), second])).toEqual({
      relayed: 2,
      gaps: 1,
      unknown: 0,
    });
    const records = await chain();
    expect(records.map(({ event }) => event.eventType)).toEqual(['workflow.started', 'audit.gap', 'step.prepared']);
    expect(records[1]?.event.data).toMatchObject({
      outboxId: poison.sk,
      itemSha256: expect.any(String),
      reason: expect.any(String),
    });
    expect(JSON.stringify(records)).not.toContain('hunter2');
    expect(scene.bus.published).toHaveLength(3);
  });

  it('becomes one gap, however often it comes', async () => {
    await relayStream(scene, [streamRecord(poison)]);
    await relayStream(scene, [streamRecord(poison)]);
    expect(await chain()).toHaveLength(1);
  });

  it('is a gap also when it has values that no outbox item has', async () => {
    const record = streamRecord(poison);
    if (record.dynamodb?.NewImage !== undefined) record.dynamodb.NewImage.extra = { SS: ['a'] };
    expect(await relayStream(scene, [record])).toMatchObject({ gaps: 1 });
  });

  it('is a gap when it claims to be another item', async () => {
    const [first] = scene.executions.outbox(EXECUTION_ID);
    if (first === undefined) throw new Error('no outbox item');
    expect(await relayStream(scene, [streamRecord({ ...row(first), sk: '01OTHER0000000000000000001' })])).toMatchObject(
      { gaps: 1 },
    );
  });

  it.each(['SOMETHING#else', 'EXEC#no id'])('is counted when its key is not of an outbox item: %s', async (pk) => {
    expect(await relayStream(scene, [streamRecord({ ...poison, pk })])).toEqual({ relayed: 0, gaps: 0, unknown: 1 });
  });
});
