import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../../lib/audit/events.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import type { AttemptRecord, ExecutionRecord, LeaseRecord } from '../../../lib/execution/records.ts';
import type { Change, Clock, ExecutionStore, OutboxStore, Transaction } from '../../../lib/ports.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aLease, anAttempt, anExecution } from '../fakes/records.ts';
import { describeApprovalsContract } from './approvals.ts';
import { describeSwitchesContract } from './switches.ts';

export interface ExecutionStoreUnderTest {
  readonly store: ExecutionStore;
  readonly outbox: OutboxStore;
  /** How many events were written to the chain `tenant:<tenant>`; no port reads it. */
  eventsOfChain(chainId: string): Promise<number>;
  close?(): Promise<void>;
}

/** Everything that handlers rely on, for any implementation. Executions and tenants are new in each test. */
export function describeExecutionStoreContract(
  name: string,
  makeStore: (clock: Clock) => ExecutionStoreUnderTest | Promise<ExecutionStoreUnderTest>,
): void {
  describeApprovalsContract(name, makeStore);
  describeSwitchesContract(name, makeStore);

  describe(`execution store: ${name}`, () => {
    const clock = new FakeClock();
    const ids = ulidIds(clock);
    let under: ExecutionStoreUnderTest;
    let store: ExecutionStore;

    beforeAll(async () => {
      under = await makeStore(clock);
      store = under.store;
    });
    afterAll(() => under.close?.());

    const newId = (workflow = 'report') => `${workflow}:${randomBytes(6).toString('hex')}`;

    function event(execution: ExecutionRecord, reason = 'it ended'): WfloEvent {
      return buildEvent({ ids, clock }, execution, {
        type: 'workflow.cancelled',
        data: { reason },
        actor: { type: 'system', id: 'test', via: 'test' },
      });
    }

    /** Commits with one event, so that state and outbox can be compared. */
    function commit(execution: ExecutionRecord, ...changes: Change[]): Promise<boolean> {
      return store.commit({ executionId: execution.executionId, changes, events: [event(execution)] });
    }

    async function given(
      fields: Partial<ExecutionRecord> = {},
      more: { readonly attempts?: readonly AttemptRecord[]; readonly leases?: readonly LeaseRecord[] } = {},
    ): Promise<ExecutionRecord> {
      const execution = anExecution({ executionId: newId(), ...fields });
      const { executionId } = execution;
      const put: Change[] = [
        { item: 'execution', put: execution },
        ...(more.attempts ?? []).map(
          (record): Change => ({
            item: 'attempt',
            path: record.path,
            attempt: record.attempt,
            put: { ...record, executionId },
          }),
        ),
        ...(more.leases ?? []).map(
          (record): Change => ({
            item: 'lease',
            path: record.path,
            attempt: record.attempt,
            put: { ...record, executionId },
          }),
        ),
      ];
      expect(await store.commit({ executionId, changes: put, events: [] })).toBe(true);
      return execution;
    }

    async function outboxOf(executionId: string) {
      const items = await under.outbox.listUnpublished(new Date(clock.now().getTime() + 1000), 10_000);
      return items.filter((item) => item.executionId === executionId);
    }

    describe('records', () => {
      it('come back as they were put', async () => {
        const executionId = newId();
        const execution = anExecution({
          executionId,
          error: { code: 'agent_failed', message: 'exit 3', details: { nested: [1, 'two', null, 0.5, true] } },
          input: { at: 'item', key: 'input', sha256: 'b'.repeat(64), bytes: 12 },
          checkAt: '2026-01-01T01:00:00.000Z',
        });
        const attempt = anAttempt({ executionId, exit: { reason: 'lost', code: null } });
        const lease = aLease({ executionId, checkAt: '2026-01-01T01:00:00.000Z' });
        const { path } = attempt;
        await store.commit({
          executionId,
          changes: [
            { item: 'execution', put: execution },
            { item: 'attempt', path, attempt: 1, put: attempt },
            { item: 'lease', path, attempt: 1, put: lease },
          ],
          events: [],
        });
        expect(await store.getExecution(executionId)).toEqual(execution);
        expect(await store.getAttempt(executionId, path, 1)).toEqual(attempt);
        expect(await store.getLease(executionId, path, 1)).toEqual(lease);
      });

      it('are undefined where there are none', async () => {
        expect(await store.getExecution(newId())).toBeUndefined();
        expect(await store.getAttempt(newId(), 'write', 1)).toBeUndefined();
        expect(await store.getLease(newId(), 'write', 1)).toBeUndefined();
        expect(await store.listAttempts(newId())).toEqual([]);
        expect(await store.listLeases(newId())).toEqual([]);
      });

      it('are listed by path, then by attempt', async () => {
        const places: readonly (readonly [string, number])[] = [
          ['write', 10],
          ['write', 9],
          ['write-more', 1],
          ['crew/write', 2],
          ['write', 1],
        ];
        const execution = await given(
          {},
          {
            attempts: places.map(([path, attempt]) => anAttempt({ path, attempt })),
            leases: places.map(([path, attempt]) => aLease({ path, attempt })),
          },
        );
        const sorted = ['crew/write 2', 'write 1', 'write 9', 'write 10', 'write-more 1'];
        const shown = (records: readonly { readonly path: string; readonly attempt: number }[]) =>
          records.map((record) => `${record.path} ${record.attempt}`);
        expect(shown(await store.listAttempts(execution.executionId))).toEqual(sorted);
        expect(shown(await store.listLeases(execution.executionId))).toEqual(sorted);
        expect(shown(await store.listAttempts(execution.executionId, 'write'))).toEqual([
          'write 1',
          'write 9',
          'write 10',
        ]);
      });

      it('take text that has no UTF-8 form', async () => {
        const execution = await given();
        const set = { error: { code: 'agent_failed' as const, message: 'half \ud800 pair' } };
        expect(await commit(execution, { item: 'execution', set })).toBe(true);
        expect((await store.getExecution(execution.executionId))?.error?.message).toMatch(/^half .+ pair$/);
      });
    });

    describe('a commit', () => {
      it('sets and removes fields, and keeps the others', async () => {
        const execution = await given({ checkAt: '2026-01-01T01:00:00.000Z' });
        const set = { status: 'cancelled', endedAt: '2026-01-01T00:10:00.000Z' } as const;
        expect(await commit(execution, { item: 'execution', set, remove: ['checkAt'] })).toBe(true);
        const { checkAt, ...rest } = execution;
        expect(await store.getExecution(execution.executionId)).toEqual({ ...rest, ...set, eventCount: 1 });
      });

      it('writes changes of several records, one outbox item and the count together', async () => {
        const execution = await given({}, { attempts: [anAttempt()], leases: [aLease()] });
        const { executionId } = execution;
        const events = [event(execution, 'one'), event(execution, 'two')];
        const ok = await store.commit({
          executionId,
          changes: [
            { item: 'attempt', path: 'write', attempt: 1, set: { status: 'running' }, expect: { status: 'prepared' } },
            { item: 'lease', path: 'write', attempt: 1, set: { status: 'claimed' }, expect: { status: 'offered' } },
            { item: 'execution', expect: { status: 'running' } },
          ],
          events,
        });
        expect(ok).toBe(true);
        expect((await store.getAttempt(executionId, 'write', 1))?.status).toBe('running');
        expect((await store.getLease(executionId, 'write', 1))?.status).toBe('claimed');
        expect((await store.getExecution(executionId))?.eventCount).toBe(2);
        const outbox = await outboxOf(executionId);
        expect(outbox).toHaveLength(1);
        expect(outbox[0]).toEqual({
          schema: 1,
          executionId,
          outboxId: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
          createdAt: clock.now().toISOString(),
          events,
        });
      });

      it('counts events of a new execution from its first', async () => {
        const execution = anExecution({ executionId: newId() });
        expect(await commit(execution, { item: 'execution', put: execution })).toBe(true);
        expect((await store.getExecution(execution.executionId))?.eventCount).toBe(1);
      });

      it('without events writes no outbox item and counts nothing', async () => {
        const execution = await given({}, { leases: [aLease()] });
        const { executionId } = execution;
        const set = { lastHeartbeatAt: '2026-01-01T00:00:30.000Z' };
        expect(
          await store.commit({
            executionId,
            changes: [{ item: 'lease', path: 'write', attempt: 1, set }],
            events: [],
          }),
        ).toBe(true);
        expect(await outboxOf(executionId)).toEqual([]);
        expect((await store.getExecution(executionId))?.eventCount).toBe(0);
      });

      it('of events alone needs the execution', async () => {
        const execution = anExecution({ executionId: newId() });
        expect(await commit(execution)).toBe(false);
        expect(await outboxOf(execution.executionId)).toEqual([]);
        expect(await store.getExecution(execution.executionId)).toBeUndefined();
      });
    });

    describe('an expectation', () => {
      const refused: readonly (readonly [string, Change])[] = [
        ['another value', { item: 'execution', set: { tenant: 'x' }, expect: { status: 'succeeded' } }],
        ['none of these', { item: 'execution', set: { tenant: 'x' }, expect: { status: { oneOf: ['failed'] } } }],
        ['one of nothing', { item: 'execution', set: { tenant: 'x' }, expect: { status: { oneOf: [] } } }],
        ['absent, and is there', { item: 'execution', set: { tenant: 'x' }, expect: { traceId: { absent: true } } }],
        ['a value, and is absent', { item: 'execution', set: { tenant: 'x' }, expect: { endedAt: 'now' } }],
        [
          'one of two fields',
          { item: 'execution', set: { tenant: 'x' }, expect: { status: 'running', workflow: 'other' } },
        ],
        ['a bare check that fails', { item: 'execution', expect: { status: 'succeeded' } }],
        ['a record that is missing', { item: 'attempt', path: 'write', attempt: 9, set: { status: 'failed' } }],
        ['a bare check of a missing record', { item: 'lease', path: 'write', attempt: 9, expect: {} }],
        ['no record, and there is one', { item: 'lease', path: 'write', attempt: 1, put: aLease({ epoch: 7 }) }],
      ];
      it.each(refused)('that does not hold writes nothing: %s', async (_what, change) => {
        const execution = await given({}, { attempts: [anAttempt()], leases: [aLease()] });
        const { executionId } = execution;
        const other: Change = { item: 'attempt', path: 'write', attempt: 1, set: { status: 'failed' } };
        expect(await commit(execution, other, change)).toBe(false);
        expect(await store.getExecution(executionId)).toEqual(execution);
        expect((await store.getAttempt(executionId, 'write', 1))?.status).toBe('prepared');
        expect((await store.getLease(executionId, 'write', 1))?.epoch).toBe(1);
        expect(await outboxOf(executionId)).toEqual([]);
      });

      it('that holds lets the change through: value, one of, absent, a whole object', async () => {
        const execution = await given({}, { leases: [aLease({ session: { tokenHash: 'h', expiresAt: 'e' } })] });
        const { executionId } = execution;
        const ok = await commit(
          execution,
          {
            item: 'execution',
            set: { status: 'failed' },
            expect: { workflow: 'report', status: { oneOf: ['starting', 'running'] }, ending: { absent: true } },
          },
          {
            item: 'lease',
            path: 'write',
            attempt: 1,
            set: { epoch: 2 },
            expect: { epoch: 1, session: { tokenHash: 'h', expiresAt: 'e' } },
          },
        );
        expect(ok).toBe(true);
        expect((await store.getExecution(executionId))?.status).toBe('failed');
        expect((await store.getLease(executionId, 'write', 1))?.epoch).toBe(2);
      });
    });

    describe('a transaction that no store can write', () => {
      const one: Change = { item: 'execution', set: { tenant: 'x' } };
      const wrong: readonly (readonly [string, (execution: ExecutionRecord) => Partial<Transaction>])[] = [
        ['two changes of one record', () => ({ changes: [one, one] })],
        ['a set eventCount', () => ({ changes: [{ item: 'execution', set: { eventCount: 5 } }] })],
        ['events of another execution', () => ({ events: [event(anExecution({ executionId: newId() }))] })],
        ['too many events', (execution) => ({ events: Array.from({ length: 99 }, () => event(execution)) })],
      ];
      it.each(wrong)('throws: %s', async (_what, part) => {
        const execution = await given();
        const { executionId } = execution;
        await expect(store.commit({ executionId, changes: [], events: [], ...part(execution) })).rejects.toMatchObject({
          code: 'internal',
        });
        expect(await store.getExecution(executionId)).toEqual(execution);
      });
    });

    describe('at the same time', () => {
      it('50 commits on one execution count every event once', async () => {
        const execution = await given({}, { attempts: [anAttempt()] });
        const { executionId } = execution;
        const results = await Promise.all(
          Array.from({ length: 50 }, () =>
            commit(execution, { item: 'attempt', path: 'write', attempt: 1, set: { status: 'running' } }),
          ),
        );
        expect(results.filter((ok) => ok)).toHaveLength(50);
        expect((await store.getExecution(executionId))?.eventCount).toBe(50);
        expect(await outboxOf(executionId)).toHaveLength(50);
      });

      it('of 20 claims of one lease exactly one is granted', async () => {
        const execution = await given({}, { leases: [aLease()] });
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, runner) =>
            commit(execution, {
              item: 'lease',
              path: 'write',
              attempt: 1,
              set: { status: 'claimed', nonceHash: String(runner) },
              expect: { status: 'offered' },
            }),
          ),
        );
        expect(results.filter((ok) => ok)).toHaveLength(1);
        const lease = await store.getLease(execution.executionId, 'write', 1);
        expect(lease?.nonceHash).toBe(String(results.indexOf(true)));
        expect((await store.getExecution(execution.executionId))?.eventCount).toBe(1);
      });
    });

    describe('a list of executions', () => {
      const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;

      async function tenantWith(count: number): Promise<string> {
        const tenant = `tenant-${randomBytes(4).toString('hex')}`;
        for (let minute = 0; minute < count; minute += 1) {
          await given({
            tenant,
            executionId: newId(minute % 2 === 0 ? 'even' : 'odd'),
            startedAt: at(minute),
            status: minute % 3 === 0 ? 'failed' : 'running',
          });
        }
        return tenant;
      }

      async function pages(query: Parameters<ExecutionStore['listExecutions']>[0]): Promise<string[][]> {
        const all: string[][] = [];
        let cursor: string | undefined;
        do {
          const page = await store.listExecutions({ ...query, ...(cursor === undefined ? {} : { cursor }) });
          all.push(page.items.map((execution) => execution.startedAt));
          cursor = page.cursor;
        } while (cursor !== undefined);
        return all;
      }

      it('is newest first, in pages without holes, repeats or an empty end', async () => {
        const tenant = await tenantWith(6);
        expect(await pages({ tenant, limit: 2 })).toEqual([
          [at(5), at(4)],
          [at(3), at(2)],
          [at(1), at(0)],
        ]);
        expect(await pages({ tenant, limit: 4 })).toEqual([
          [at(5), at(4), at(3), at(2)],
          [at(1), at(0)],
        ]);
      });

      it('keeps to a workflow, a status, or both', async () => {
        const tenant = await tenantWith(7);
        expect(await pages({ tenant, workflow: 'odd', limit: 2 })).toEqual([[at(5), at(3)], [at(1)]]);
        expect(await pages({ tenant, status: 'failed', limit: 2 })).toEqual([[at(6), at(3)], [at(0)]]);
        expect(await pages({ tenant, workflow: 'even', status: 'failed', limit: 5 })).toEqual([[at(6), at(0)]]);
      });

      it('tells executions of one millisecond apart', async () => {
        const tenant = `tenant-${randomBytes(4).toString('hex')}`;
        for (let count = 0; count < 3; count += 1) await given({ tenant, startedAt: at(1) });
        expect((await pages({ tenant, limit: 1 })).flat()).toHaveLength(3);
      });

      it('has only executions of its tenant, also with a cursor of another', async () => {
        const [one, two] = [await tenantWith(3), await tenantWith(3)];
        const { cursor = '' } = await store.listExecutions({ tenant: one, limit: 1 });
        const page = await store.listExecutions({ tenant: two, limit: 10, cursor });
        expect(page.items.map((execution) => execution.tenant)).not.toContain(one);
      });

      it.each(['', 'nonsense', '!', Buffer.from('{"pk":"EXEC#a:b"}').toString('base64url')])(
        'refuses the cursor "%s"',
        async (cursor) => {
          await expect(store.listExecutions({ tenant: 'default', limit: 5, cursor })).rejects.toMatchObject({
            code: 'invalid_request',
          });
        },
      );
    });

    describe('what is due', () => {
      it('is what should be looked at before now, oldest first, of one kind', async () => {
        const [early, late, never] = [
          await given({ checkAt: '2020-01-01T00:00:01.000Z' }),
          await given({ checkAt: '2020-01-01T00:00:00.000Z' }),
          await given({}, { leases: [aLease({ checkAt: '2020-01-01T00:00:00.500Z' })] }),
        ];
        const now = new Date('2020-01-01T00:00:02.000Z');
        const executionIds = (records: readonly { readonly executionId: string }[]) =>
          records.map((record) => record.executionId);
        expect(executionIds(await store.due('execution', now, 10))).toEqual([late.executionId, early.executionId]);
        expect(executionIds(await store.due('lease', now, 10))).toEqual([never.executionId]);
        expect(executionIds(await store.due('execution', now, 1))).toEqual([late.executionId]);
        expect(await store.due('execution', new Date('2020-01-01T00:00:00.000Z'), 10)).toEqual([]);

        // Moved, and removed: gone from what is due.
        await commit(late, { item: 'execution', set: { checkAt: '2026-06-01T00:00:00.000Z' } });
        await commit(early, { item: 'execution', remove: ['checkAt'] });
        await commit(never, { item: 'lease', path: 'write', attempt: 1, remove: ['checkAt'] });
        expect(await store.due('execution', now, 10)).toEqual([]);
        expect(await store.due('lease', now, 10)).toEqual([]);
        expect((await store.due('execution', new Date('2026-07-01T00:00:00.000Z'), 100)).length).toBeGreaterThan(0);
      });

      it('gives whole records', async () => {
        const execution = await given({ checkAt: '2019-01-01T00:00:00.000Z' });
        expect(await store.due('execution', new Date('2019-01-02T00:00:00.000Z'), 10)).toEqual([execution]);
      });
    });

    describe('the outbox', () => {
      it('lists what was created before a time, oldest first, until it is published', async () => {
        const execution = await given();
        clock.set('2021-01-01T00:00:00.000Z');
        await commit(execution);
        clock.advance(1);
        await commit(execution);
        clock.advance(1);
        await commit(execution);
        const before = clock.now();
        const items = await under.outbox.listUnpublished(before, 10);
        expect(items.map((item) => item.createdAt)).toEqual(['2021-01-01T00:00:00.000Z', '2021-01-01T00:00:01.000Z']);
        expect(await under.outbox.listUnpublished(before, 1)).toEqual(items.slice(0, 1));

        for (const item of items) await under.outbox.markPublished(item, before);
        expect(await under.outbox.listUnpublished(before, 10)).toEqual([]);
        clock.set('2026-01-01T00:00:00.000Z');
      });

      it('takes it that an item is marked twice, or has gone', async () => {
        const execution = await given();
        await commit(execution);
        const [item] = await outboxOf(execution.executionId);
        if (item === undefined) throw new Error('no outbox item');
        await under.outbox.markPublished(item, clock.now());
        await under.outbox.markPublished(item, clock.now());
        await under.outbox.markPublished({ ...item, outboxId: '0'.repeat(26) }, clock.now());
        expect(await outboxOf(execution.executionId)).toEqual([]);
      });
    });
  });
}
