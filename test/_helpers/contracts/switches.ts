import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../../lib/audit/events.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import { type Freeze, NOTHING_FROZEN } from '../../../lib/execution/records.ts';
import type { Change, Clock, ExecutionStore, OpenCountChange } from '../../../lib/ports.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { anExecution } from '../fakes/records.ts';
import type { ExecutionStoreUnderTest } from './execution-store.ts';

const ACTOR = { type: 'person', id: 'ada', via: 'test' } as const;

/** The part of the store's contract that is about bounds of workflows and the emergency stop. */
export function describeSwitchesContract(
  name: string,
  makeStore: (clock: Clock) => ExecutionStoreUnderTest | Promise<ExecutionStoreUnderTest>,
): void {
  describe(`open executions in the execution store: ${name}`, () => {
    const clock = new FakeClock();
    let under: ExecutionStoreUnderTest;
    let store: ExecutionStore;
    beforeAll(async () => {
      under = await makeStore(clock);
      store = under.store;
    });
    afterAll(() => under.close?.());

    const newTenant = () => `tenant-${randomBytes(6).toString('hex')}`;

    /** Opens or ends an execution of `report`, counting it. */
    async function count(tenant: string, add: 1 | -1, limit?: number): Promise<boolean> {
      const executionId = `report:${randomBytes(6).toString('hex')}`;
      const changes: Change[] = [
        { item: 'execution', put: anExecution({ executionId, tenant, counted: tenant }) },
        { item: 'openCount', tenant, workflow: 'report', add, ...(limit === undefined ? {} : { limit }) },
      ];
      const ok = await store.commit({ executionId, changes, events: [] });
      expect((await store.getExecution(executionId)) !== undefined).toBe(ok);
      return ok;
    }

    it('are counted up to a limit, and down again', async () => {
      const tenant = newTenant();
      expect(await store.openCount(tenant, 'report')).toBe(0);
      expect([await count(tenant, 1, 2), await count(tenant, 1, 2), await count(tenant, 1, 2)]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await store.openCount(tenant, 'report')).toBe(2);
      expect(await count(tenant, -1)).toBe(true);
      expect(await count(tenant, 1, 2)).toBe(true);
      expect(await count(tenant, 1, 2)).toBe(false);
    });

    it('are never fewer than none', async () => {
      const tenant = newTenant();
      expect(await count(tenant, -1)).toBe(false);
      expect([await count(tenant, 1), await count(tenant, -1), await count(tenant, -1)]).toEqual([true, true, false]);
      expect(await store.openCount(tenant, 'report')).toBe(0);
      expect(await count(tenant, 1, 1)).toBe(true);
    });

    it('are not opened where the limit is 0, the first neither', async () => {
      const tenant = newTenant();
      expect(await count(tenant, 1, 0)).toBe(false);
      expect(await store.openCount(tenant, 'report')).toBe(0);
    });

    it('have no bound without a limit, and keep a lower one that comes later', async () => {
      const tenant = newTenant();
      for (const _ of [1, 2, 3]) expect(await count(tenant, 1)).toBe(true);
      expect(await count(tenant, 1, 2)).toBe(false);
      expect(await store.openCount(tenant, 'report')).toBe(3);
    });

    it('are counted by tenant and by workflow', async () => {
      const [one, two] = [newTenant(), newTenant()];
      await count(one, 1);
      expect(await store.openCount(two, 'report')).toBe(0);
      expect(await store.openCount(one, 'other')).toBe(0);
    });

    it('are not counted by a transaction that another condition stops', async () => {
      const tenant = newTenant();
      const executionId = `report:${randomBytes(6).toString('hex')}`;
      const changes: Change[] = [
        { item: 'openCount', tenant, workflow: 'report', add: 1 },
        { item: 'execution', expect: { status: 'running' } },
      ];
      expect(await store.commit({ executionId, changes, events: [] })).toBe(false);
      expect(await store.openCount(tenant, 'report')).toBe(0);
    });

    it('are counted once for a workflow in a transaction', async () => {
      const change: OpenCountChange = { item: 'openCount', tenant: newTenant(), workflow: 'report', add: 1 };
      await expect(
        store.commit({ executionId: 'report:one', changes: [change, change], events: [] }),
      ).rejects.toMatchObject({ code: 'internal' });
    });

    it('of 50 at the same time as many are opened as the limit allows', async () => {
      const tenant = newTenant();
      const results = await Promise.all(Array.from({ length: 50 }, () => count(tenant, 1, 10)));
      expect(results.filter((ok) => ok)).toHaveLength(10);
      expect(await store.openCount(tenant, 'report')).toBe(10);
    });
  });

  describe(`the emergency stop in the execution store: ${name}`, () => {
    const clock = new FakeClock();
    const ids = ulidIds(clock);
    let under: ExecutionStoreUnderTest;
    let store: ExecutionStore;
    // There is one in a store.
    beforeEach(async () => {
      await under?.close?.();
      under = await makeStore(clock);
      store = under.store;
    });
    afterAll(() => under.close?.());

    const chain = (tenant = 'default') => ({
      executionId: `tenant:${tenant}`,
      workflow: 'tenant',
      traceId: `tenant:${tenant}`,
    });
    const event = (tenant?: string): WfloEvent =>
      buildEvent({ ids, clock }, chain(tenant), {
        type: 'workflow.cancelled',
        data: { reason: 'it is frozen' },
        actor: ACTOR,
      });
    const freeze = (version: number, fields: Partial<Freeze> = {}): Freeze => ({
      ...NOTHING_FROZEN,
      version,
      workflows: ['report'],
      reason: 'it deletes too much',
      reasons: { 'workflow report': 'it deletes too much' },
      by: ACTOR,
      at: '2026-01-01T00:00:00.000Z',
      ...fields,
    });
    const outbox = () => under.outbox.listUnpublished(new Date(clock.now().getTime() + 1000), 1000);

    it('holds nothing where it was never set', async () => {
      expect(await store.getFreeze()).toEqual(NOTHING_FROZEN);
    });

    it('is set and lifted, version by version, each with its events and their count', async () => {
      const events = [event(), event()];
      expect(await store.setFreeze(freeze(1), events)).toBe(true);
      expect(await store.getFreeze()).toEqual(freeze(1));
      expect(await outbox()).toEqual([
        {
          schema: 1,
          executionId: 'tenant:default',
          outboxId: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
          createdAt: clock.now().toISOString(),
          events,
        },
      ]);
      expect(await under.eventsOfChain('tenant:default')).toBe(2);
      const lifted = { ...NOTHING_FROZEN, version: 2 };
      expect(await store.setFreeze(lifted, [event()])).toBe(true);
      expect(await store.getFreeze()).toEqual(lifted);
      expect(await under.eventsOfChain('tenant:default')).toBe(3);
    });

    it('is not set over a version that the caller has not seen, and then nothing is told', async () => {
      await store.setFreeze(freeze(1), [event()]);
      for (const version of [0, 1, 3]) {
        expect(await store.setFreeze(freeze(version, { all: true }), [event()])).toBe(false);
      }
      expect(await store.getFreeze()).toEqual(freeze(1));
      expect(await outbox()).toHaveLength(1);
      expect(await under.eventsOfChain('tenant:default')).toBe(1);
    });

    it('begins with version 1', async () => {
      for (const version of [0, 2]) expect(await store.setFreeze(freeze(version), [event()])).toBe(false);
      expect(await store.getFreeze()).toEqual(NOTHING_FROZEN);
      expect(await under.eventsOfChain('tenant:default')).toBe(0);
    });

    it('is told in the chain of one tenant', async () => {
      await expect(store.setFreeze(freeze(1), [event('one'), event('two')])).rejects.toMatchObject({
        code: 'internal',
      });
      expect(await store.getFreeze()).toEqual(NOTHING_FROZEN);
    });

    it('of 20 at the same time exactly one is set', async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, caller) => store.setFreeze(freeze(1, { reason: String(caller) }), [event()])),
      );
      expect(results.filter((ok) => ok)).toHaveLength(1);
      expect((await store.getFreeze()).reason).toBe(String(results.indexOf(true)));
      expect(await under.eventsOfChain('tenant:default')).toBe(1);
    });

    it('leaves a chain that is no execution and in no list', async () => {
      await store.setFreeze(freeze(1), [event()]);
      expect(await store.getExecution('tenant:default')).toBeUndefined();
      expect((await store.listExecutions({ tenant: 'default', limit: 9 })).items).toEqual([]);
      expect(await store.due('execution', new Date('2030-01-01T00:00:00.000Z'), 9)).toEqual([]);
    });
  });
}
