import { beforeEach, describe, expect, it } from 'vitest';
import { relayStream } from '../../../../lambdas/relay-events/relay-stream.ts';
import { buildEvent } from '../../../../lib/audit/build-event.ts';
import { verifyChain } from '../../../../lib/audit/chain.ts';
import type { OutboxItem } from '../../../../lib/audit/events.ts';
import { tenantChain } from '../../../../lib/people/tenant-chain.ts';
import { EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';
import { rowOf, streamRecord } from '../../../_helpers/stream-records.ts';

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  await scene.prepare();
});

const inserts = () => scene.executions.outbox(EXECUTION_ID).map((item) => streamRecord(rowOf(item)));
const chain = async () => (await scene.audit.list(EXECUTION_ID, 0, 100)).items;

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
    const records = [streamRecord(rowOf(first), 'MODIFY'), streamRecord(rowOf(first), 'REMOVE')];
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
    expect(
      await relayStream(scene, [streamRecord({ ...rowOf(first), sk: '01OTHER0000000000000000001' })]),
    ).toMatchObject({ gaps: 1 });
  });

  it.each(['SOMETHING#else', 'EXEC#no id'])('is counted when its key is not of an outbox item: %s', async (pk) => {
    expect(await relayStream(scene, [streamRecord({ ...poison, pk })])).toEqual({ relayed: 0, gaps: 0, unknown: 1 });
  });
});

describe('the chain of a tenant', () => {
  const CHAIN = 'tenant:default';

  /** Two emergency stops, as the control API writes them. */
  async function stopped(): Promise<readonly OutboxItem[]> {
    for (const version of [1, 2]) {
      const freeze = { version, all: true, workflows: [], tenants: [], reason: 'leaked' };
      const event = buildEvent(scene, tenantChain('default'), {
        type: 'freeze.set',
        actor: { type: 'person', id: 'ada', via: 'api' },
        data: { scope: { all: true, workflows: [], tenants: [] }, reason: 'leaked' },
      });
      await scene.executions.setFreeze(freeze, [event]);
    }
    return scene.executions.outbox(CHAIN);
  }
  const tenantRecords = async () => (await scene.audit.list(CHAIN, 0, 100)).items;

  it('is relayed as that of an execution is, and stands for itself', async () => {
    const items = await stopped();
    const batch = [...items, ...scene.executions.outbox(EXECUTION_ID)].map((item) => streamRecord(rowOf(item)));
    expect(await relayStream(scene, batch)).toEqual({ relayed: 4, gaps: 0, unknown: 0 });
    const records = await tenantRecords();
    expect(records.map(({ seq, event }) => [seq, event.eventType])).toEqual([
      [1, 'freeze.set'],
      [2, 'freeze.set'],
    ]);
    expect(verifyChain(records, scene.executions.chainEvents(CHAIN))).toMatchObject({ ok: true });
    expect(scene.bus.published.slice(0, 2)).toEqual(records);
    expect(await chain()).toHaveLength(2);
  });

  it('has a gap where an item cannot be read, which does not stop what follows', async () => {
    const [first, second] = (await stopped()).map((item) => streamRecord(rowOf(item)));
    if (first === undefined || second === undefined) throw new Error('no outbox items');
    const poison = streamRecord({ pk: `EXEC#${CHAIN}`, sk: '01POISON000000000000000001', schema: 1, events: 'none' });
    expect(await relayStream(scene, [first, poison, second])).toEqual({ relayed: 2, gaps: 1, unknown: 0 });
    const records = await tenantRecords();
    expect(records.map(({ event }) => event.eventType)).toEqual(['freeze.set', 'audit.gap', 'freeze.set']);
    expect(records[1]?.event).toMatchObject({ executionId: CHAIN, workflow: 'tenant', traceId: CHAIN });
  });

  it.each(['tenant:', 'tenant:Default', 'tenant:a b', 'tenants'])('is none of that name: %s', async (id) => {
    const [item] = await stopped();
    if (item === undefined) throw new Error('no outbox item');
    const record = streamRecord({ ...rowOf(item), pk: `EXEC#${id}` });
    expect(await relayStream(scene, [record])).toEqual({ relayed: 0, gaps: 0, unknown: 1 });
  });
});
