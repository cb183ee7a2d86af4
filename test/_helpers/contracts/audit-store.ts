import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { verifyChain } from '../../../lib/audit/chain.ts';
import type { ChainRecord, OutboxItem } from '../../../lib/audit/events.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import type { AuditStore } from '../../../lib/ports.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { anExecution } from '../fakes/records.ts';

export interface AuditStoreUnderTest {
  readonly store: AuditStore;
  close?(): Promise<void>;
}

export function describeAuditStoreContract(
  name: string,
  makeStore: () => AuditStoreUnderTest | Promise<AuditStoreUnderTest>,
): void {
  describe(`audit store: ${name}`, () => {
    const clock = new FakeClock();
    const ids = ulidIds(clock);
    let under: AuditStoreUnderTest;
    let store: AuditStore;

    beforeAll(async () => {
      under = await makeStore();
      store = under.store;
    });
    afterAll(() => under.close?.());

    const newId = () => `report:${randomBytes(6).toString('hex')}`;

    function outboxItem(executionId: string, events: number, message = 'exit 3'): OutboxItem {
      const execution = anExecution({ executionId });
      return {
        schema: 1,
        executionId,
        outboxId: ids.next(),
        createdAt: clock.now().toISOString(),
        events: Array.from({ length: events }, (_, index) =>
          buildEvent({ ids, clock }, execution, {
            type: 'step.failed',
            data: { error: { code: 'agent_failed', message } },
            actor: { type: 'system', id: 'test', via: 'test' },
            stepPath: 'write',
            attempt: index + 1,
          }),
        ),
      };
    }

    async function all(executionId: string): Promise<ChainRecord[]> {
      const records: ChainRecord[] = [];
      let after = 0;
      for (;;) {
        const page = await store.list(executionId, after, 7);
        records.push(...page.items);
        if (page.cursor === undefined) return records;
        after = Number(page.cursor);
      }
    }

    it('has no head and no records before the first event', async () => {
      const executionId = newId();
      expect(await store.head(executionId)).toBeUndefined();
      expect(await store.list(executionId, 0, 10)).toEqual({ items: [] });
    });

    it('continues one chain, in the order of the events', async () => {
      const executionId = newId();
      const [first, second] = [outboxItem(executionId, 3), outboxItem(executionId, 1)];
      const records = [...(await store.append(first)), ...(await store.append(second))];
      expect(records.map((record) => record.seq)).toEqual([1, 2, 3, 4]);
      expect(records.map((record) => record.event)).toEqual([...first.events, ...second.events]);
      expect(await all(executionId)).toEqual(records);
      const { seq, hash } = records[3] as ChainRecord;
      expect(await store.head(executionId)).toEqual({ seq, hash });
      expect(verifyChain(records, 4)).toMatchObject({ ok: true });
    });

    it('takes an item once: a repeat answers the same records and appends nothing', async () => {
      const executionId = newId();
      const item = outboxItem(executionId, 2);
      const records = await store.append(item);
      await store.append(outboxItem(executionId, 1));
      expect(await store.append(item)).toEqual(records);
      expect(await all(executionId)).toHaveLength(3);
    });

    it('takes as many events in one item as a commit may write', async () => {
      const executionId = newId();
      await store.append(outboxItem(executionId, 98));
      expect(verifyChain(await all(executionId), 98)).toMatchObject({ ok: true });
    });

    it('hashes what it gives back, also for text without a UTF-8 form', async () => {
      const executionId = newId();
      await store.append(outboxItem(executionId, 1, 'half \ud800 pair'));
      expect(verifyChain(await all(executionId), 1)).toMatchObject({ ok: true });
    });

    it('gives pages of records after a position', async () => {
      const executionId = newId();
      await store.append(outboxItem(executionId, 5));
      const first = await store.list(executionId, 0, 2);
      expect(first.items.map((record) => record.seq)).toEqual([1, 2]);
      expect(first.cursor).toBe('2');
      const last = await store.list(executionId, 3, 2);
      expect(last.items.map((record) => record.seq)).toEqual([4, 5]);
      expect(last.cursor).toBeUndefined();
    });

    it('lets appenders of one chain make neither fork nor hole', async () => {
      const executionId = newId();
      const items = Array.from({ length: 20 }, () => outboxItem(executionId, 2));
      const answers = await Promise.all(items.map((item) => store.append(item)));
      const records = await all(executionId);
      expect(verifyChain(records, 40)).toMatchObject({ ok: true });
      expect(answers.flat().sort((a, b) => a.seq - b.seq)).toEqual(records);
    });

    it('lets appenders of one item append it once', async () => {
      const executionId = newId();
      const item = outboxItem(executionId, 2);
      const answers = await Promise.all(Array.from({ length: 10 }, () => store.append(item)));
      expect(await all(executionId)).toHaveLength(2);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    });

    it('keeps executions apart', async () => {
      const [one, two] = [newId(), newId()];
      await store.append(outboxItem(one, 1));
      expect(await store.append(outboxItem(two, 1))).toMatchObject([{ seq: 1, prevHash: '0'.repeat(64) }]);
    });
  });
}
