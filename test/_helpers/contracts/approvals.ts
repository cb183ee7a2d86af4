import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvalIdOf } from '../../../lib/approvals/approval-id.ts';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../../lib/audit/events.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import type { ApprovalRecord, ExecutionRecord } from '../../../lib/execution/records.ts';
import type { ApprovalQuery, Change, ChangeOf, Clock, ExecutionStore } from '../../../lib/ports.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aLease, anApproval, anAttempt, anExecution } from '../fakes/records.ts';
import { aRaiseApproval } from '../raise-samples.ts';
import type { ExecutionStoreUnderTest } from './execution-store.ts';

/** The part of the store's contract that is about approvals. Executions and tenants are new in each test. */
export function describeApprovalsContract(
  name: string,
  makeStore: (clock: Clock) => ExecutionStoreUnderTest | Promise<ExecutionStoreUnderTest>,
): void {
  describe(`approvals in the execution store: ${name}`, () => {
    const clock = new FakeClock();
    const ids = ulidIds(clock);
    let under: ExecutionStoreUnderTest;
    let store: ExecutionStore;

    beforeAll(async () => {
      under = await makeStore(clock);
      store = under.store;
    });
    afterAll(() => under.close?.());

    const suffix = () => randomBytes(6).toString('hex');
    const newId = () => `report:${suffix()}`;

    const event = (execution: ExecutionRecord): WfloEvent =>
      buildEvent({ ids, clock }, execution, {
        type: 'workflow.cancelled',
        data: { reason: 'it ended' },
        actor: { type: 'system', id: 'test', via: 'test' },
      });

    const commit = ({ executionId }: { readonly executionId: string }, ...changes: Change[]) =>
      store.commit({ executionId, changes, events: [] });

    /** An approval with its execution. */
    async function given(fields: Partial<ApprovalRecord> = {}): Promise<ApprovalRecord> {
      const approval = anApproval({ executionId: newId(), ...fields });
      const { executionId, approvalId, tenant } = approval;
      const changes: Change[] = [
        { item: 'execution', put: anExecution({ executionId, tenant, status: 'waiting_approval' }) },
        { item: 'approval', approvalId, put: approval },
      ];
      expect(await store.commit({ executionId, changes, events: [] })).toBe(true);
      return approval;
    }

    /** As a decision changes it: without tenant and time. */
    const decision = (
      { approvalId, version }: ApprovalRecord,
      set: Partial<ApprovalRecord> = { status: 'granted' },
    ): ChangeOf<'approval'> => ({
      item: 'approval',
      approvalId,
      set: { ...set, version: version + 1 },
      expect: { status: 'pending', version },
    });

    describe('records', () => {
      it('come back as they were put', async () => {
        const full = {
          subjectHash: 'b'.repeat(64),
          note: 'nothing proves who asked',
          claims: [{ field: 'with.ids', step: 'find' }],
          votes: [{ personId: 'ada', decision: 'approve', at: '2026-01-01T00:00:02.000Z', via: 'cli' }],
          claimedBy: { path: 'write', attempt: 2 },
        } as const satisfies Partial<ApprovalRecord>;
        const approval = await given(full);
        expect(await store.getApproval(approval.approvalId)).toEqual(approval);
      });

      it('come back as they were put also where a budget is to be raised: with that, and without a payload', async () => {
        const executionId = newId();
        const put = aRaiseApproval(anExecution({ executionId }), { agent: 'crew/write' });
        expect(await commit(put, { item: 'approval', approvalId: put.approvalId, put })).toBe(true);
        expect(await store.getApproval(put.approvalId)).toEqual(put);
        // Once: whoever puts it at the same time finds it.
        expect(await commit(put, { item: 'approval', approvalId: put.approvalId, put })).toBe(false);
        const ofExecution = aRaiseApproval(anExecution({ executionId }), { number: 10 });
        const { approvalId } = ofExecution;
        expect(await commit(ofExecution, { item: 'approval', approvalId, put: ofExecution })).toBe(true);
        expect((await store.listApprovals(executionId)).map((one) => one.approvalId)).toEqual([
          approvalId,
          put.approvalId,
        ]);
      });

      it('are undefined where there are none', async () => {
        expect(await store.getApproval(`${newId()}:write:1`)).toBeUndefined();
        expect(await store.listApprovals(newId())).toEqual([]);
      });

      it.each([
        '',
        'report',
        'report:one',
        'report:one:write',
        'report:one:write:0',
        'tenant:one:write:1',
        'a:b:c:1:2',
      ])('have no id like "%s"', async (approvalId) => {
        await expect(store.getApproval(approvalId)).rejects.toMatchObject({ code: 'unknown_approval' });
      });

      it('are listed by path, then by number', async () => {
        const executionId = newId();
        const places: readonly (readonly [string, number])[] = [
          ['write', 10],
          ['write', 9],
          ['write-more', 1],
          ['crew/write', 2],
          ['write', 1],
        ];
        for (const [path, attempt] of places) {
          const put = anApproval({ executionId, path, attempt });
          expect(await commit(put, { item: 'approval', approvalId: put.approvalId, put })).toBe(true);
        }
        await given();
        expect((await store.listApprovals(executionId)).map(({ path, attempt }) => `${path} ${attempt}`)).toEqual([
          'crew/write 2',
          'write 1',
          'write 9',
          'write 10',
          'write-more 1',
        ]);
      });

      it('are kept apart by path and by number', async () => {
        const executionId = newId();
        const [one, two] = [anApproval({ executionId }), anApproval({ executionId, path: 'crew/write', attempt: 1 })];
        await commit(
          one,
          { item: 'approval', approvalId: one.approvalId, put: one },
          { item: 'approval', approvalId: two.approvalId, put: two },
        );
        expect(two.approvalId).toBe(`${executionId}:crew.write:1`);
        expect(await store.getApproval(two.approvalId)).toEqual(two);
        expect(await store.getApproval(approvalIdOf(executionId, 'write', 1))).toEqual(one);
      });
    });

    describe('a change', () => {
      it('sets and removes fields, and keeps the others', async () => {
        const approval = await given();
        const { approvalId } = approval;
        const set = { status: 'cancelled', version: 2, decidedAt: '2026-01-01T00:10:00.000Z' } as const;
        expect(await commit(approval, { item: 'approval', approvalId, set, remove: ['checkAt'] })).toBe(true);
        const { checkAt, ...rest } = approval;
        expect(await store.getApproval(approvalId)).toEqual({ ...rest, ...set });
      });

      it('is written with attempt, lease, execution and events, or not at all', async () => {
        const approval = await given({ status: 'granted', version: 3, executeBy: '2026-01-01T01:00:00.000Z' });
        const { executionId, approvalId } = approval;
        await commit(
          approval,
          { item: 'attempt', path: 'write', attempt: 1, put: anAttempt({ executionId, approvalId }) },
          { item: 'lease', path: 'write', attempt: 1, put: aLease({ executionId }) },
        );
        const execution = anExecution({ executionId });
        const claim = (version: number) =>
          store.commit({
            executionId,
            changes: [
              {
                item: 'approval',
                approvalId,
                set: { claimedBy: { path: 'write', attempt: 1 }, version: version + 1 },
                expect: { status: 'granted', version, claimedBy: { absent: true } },
              },
              { item: 'attempt', path: 'write', attempt: 1, set: { status: 'running' } },
              { item: 'lease', path: 'write', attempt: 1, set: { status: 'claimed' }, expect: { status: 'offered' } },
              { item: 'execution', set: { status: 'running', openApprovals: 0 } },
            ],
            events: [event(execution), event(execution)],
          });
        const state = async () => ({
          claimedBy: (await store.getApproval(approvalId))?.claimedBy,
          attempt: (await store.getAttempt(executionId, 'write', 1))?.status,
          lease: (await store.getLease(executionId, 'write', 1))?.status,
          execution: (await store.getExecution(executionId))?.status,
          events: (await store.getExecution(executionId))?.eventCount,
        });
        const before = { attempt: 'prepared', lease: 'offered', execution: 'waiting_approval', events: 0 };
        expect(await claim(2)).toBe(false);
        expect(await state()).toEqual(before);
        expect(await claim(3)).toBe(true);
        const after = {
          claimedBy: { path: 'write', attempt: 1 },
          attempt: 'running',
          lease: 'claimed',
          execution: 'running',
          events: 2,
        };
        expect(await state()).toEqual(after);
        expect(await claim(4)).toBe(false);
        expect(await state()).toEqual(after);
      });

      const refused: readonly (readonly [string, (approval: ApprovalRecord) => Change])[] = [
        ['another version', (approval) => decision({ ...approval, version: 2 })],
        [
          'a status that it does not have',
          ({ approvalId }) => ({ item: 'approval', approvalId, set: { version: 2 }, expect: { status: 'granted' } }),
        ],
        [
          'an absent field that is there',
          ({ approvalId }) => ({
            item: 'approval',
            approvalId,
            set: { version: 2 },
            expect: { checkAt: { absent: true } },
          }),
        ],
        [
          'a record that is missing',
          ({ executionId }) => ({ item: 'approval', approvalId: `${executionId}:write:9`, set: { status: 'granted' } }),
        ],
        [
          'no record, and there is one',
          ({ approvalId, ...put }) => ({ item: 'approval', approvalId, put: { ...put, approvalId } }),
        ],
      ];
      it.each(refused)('that does not hold writes nothing: %s', async (_what, change) => {
        const approval = await given();
        const before = await store.getExecution(approval.executionId);
        expect(await commit(approval, { item: 'execution', set: { status: 'running' } }, change(approval))).toBe(false);
        expect(await store.getApproval(approval.approvalId)).toEqual(approval);
        expect(await store.getExecution(approval.executionId)).toEqual(before);
      });

      const wrong: readonly (readonly [string, (approval: ApprovalRecord) => Change])[] = [
        ['of another execution', () => ({ item: 'approval', approvalId: `${newId()}:write:1`, set: { version: 2 } })],
        ['under another id', (put) => ({ item: 'approval', approvalId: `${put.executionId}:write:2`, put })],
        ['of its tenant', ({ approvalId }) => ({ item: 'approval', approvalId, set: { tenant: 'other' } })],
        ['back to pending', ({ approvalId }) => ({ item: 'approval', approvalId, set: { status: 'pending' } })],
      ];
      it.each(wrong)('that no store can write throws: %s', async (_what, change) => {
        const approval = await given();
        await expect(commit(approval, change(approval))).rejects.toMatchObject({ code: 'internal' });
        expect(await store.getApproval(approval.approvalId)).toEqual(approval);
      });
    });

    describe('at the same time', () => {
      it('of 50 votes on one version exactly one is written, and the next version is open to the others', async () => {
        const approval = await given();
        const { executionId, approvalId } = approval;
        const execution = anExecution({ executionId });
        let stored = approval;
        for (const round of [1, 2, 3]) {
          const results = await Promise.all(
            Array.from({ length: 50 }, (_, voter) => {
              const vote = {
                personId: `person-${round}-${voter}`,
                decision: 'approve',
                at: clock.now().toISOString(),
                via: 'test',
              } as const;
              const change = decision(stored, { votes: [...stored.votes, vote] });
              return store.commit({ executionId, changes: [change], events: [event(execution)] });
            }),
          );
          expect(results.filter((ok) => ok)).toHaveLength(1);
          stored = (await store.getApproval(approvalId)) ?? approval;
          expect(stored.version).toBe(round + 1);
          expect(stored.votes).toHaveLength(round);
          expect(stored.votes.at(-1)?.personId).toBe(`person-${round}-${results.indexOf(true)}`);
        }
        expect((await store.getExecution(executionId))?.eventCount).toBe(3);
      });
    });

    describe('a list of approvals', () => {
      const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;

      /** Every third one is decided: those of minutes 0, 3, 6 … */
      async function tenantWith(count: number): Promise<{ tenant: string; approvals: ApprovalRecord[] }> {
        const tenant = `tenant-${suffix()}`;
        const approvals: ApprovalRecord[] = [];
        for (let minute = 0; minute < count; minute += 1) {
          const approval = await given({ tenant, requestedAt: at(minute) });
          if (minute % 3 === 0) expect(await commit(approval, decision(approval))).toBe(true);
          approvals.push(approval);
        }
        return { tenant, approvals };
      }

      async function pages(query: ApprovalQuery): Promise<string[][]> {
        const all: string[][] = [];
        let cursor: string | undefined;
        do {
          const page = await store.queryApprovals({ ...query, ...(cursor === undefined ? {} : { cursor }) });
          all.push(page.items.map((approval) => approval.requestedAt));
          cursor = page.cursor;
        } while (cursor !== undefined);
        return all;
      }

      it('has the pending ones, newest first, in pages without holes, repeats or an empty end', async () => {
        const { tenant } = await tenantWith(9);
        expect(await pages({ tenant, all: false, limit: 2 })).toEqual([
          [at(8), at(7)],
          [at(5), at(4)],
          [at(2), at(1)],
        ]);
        expect(await pages({ tenant, all: false, limit: 4 })).toEqual([
          [at(8), at(7), at(5), at(4)],
          [at(2), at(1)],
        ]);
      });

      it('has all of them by time, pending or not', async () => {
        const { tenant } = await tenantWith(8);
        const all = [7, 6, 5, 4, 3, 2, 1, 0].map(at);
        for (const limit of [1, 2, 3, 8, 9]) {
          const got = await pages({ tenant, all: true, limit });
          expect(got.flat()).toEqual(all);
          expect(got).toHaveLength(Math.ceil(8 / limit));
        }
      });

      it('gives whole records', async () => {
        const approval = await given({ tenant: `tenant-${suffix()}` });
        const { tenant } = approval;
        expect(await store.queryApprovals({ tenant, all: false, limit: 5 })).toEqual({ items: [approval] });
        await commit(approval, decision(approval));
        const decided = { ...approval, status: 'granted', version: 2 };
        expect(await store.queryApprovals({ tenant, all: true, limit: 5 })).toEqual({ items: [decided] });
      });

      it.each(['granted', 'rejected', 'expired', 'cancelled'] as const)(
        'of pending ones loses what is %s, and keeps what was voted on',
        async (status) => {
          const { tenant, approvals } = await tenantWith(3);
          const [, one, two] = approvals;
          if (one === undefined || two === undefined) throw new Error('no approvals');
          await commit(one, decision(one, { votes: [] }));
          expect(await pages({ tenant, all: false, limit: 9 })).toEqual([[at(2), at(1)]]);
          await commit(two, decision(two, { status }));
          expect(await pages({ tenant, all: false, limit: 9 })).toEqual([[at(1)]]);
          expect(await pages({ tenant, all: true, limit: 9 })).toEqual([[at(2), at(1), at(0)]]);
        },
      );

      it('goes on where it was when what it showed is decided in between', async () => {
        const { tenant, approvals } = await tenantWith(6);
        const { cursor = '' } = await store.queryApprovals({ tenant, all: true, limit: 2 });
        const shown = approvals[4];
        if (shown === undefined) throw new Error('no approval');
        await commit(shown, decision(shown));
        const rest = await store.queryApprovals({ tenant, all: true, limit: 9, cursor });
        expect(rest.items.map(({ requestedAt }) => requestedAt)).toEqual([at(3), at(2), at(1), at(0)]);
      });

      it('tells approvals of one millisecond apart', async () => {
        const tenant = `tenant-${suffix()}`;
        for (let count = 0; count < 3; count += 1) await given({ tenant, requestedAt: at(1) });
        expect((await pages({ tenant, all: false, limit: 1 })).flat()).toHaveLength(3);
      });

      it('has only approvals of its tenant, also with a cursor of another', async () => {
        const [one, two] = [await tenantWith(3), await tenantWith(3)];
        const { cursor = '' } = await store.queryApprovals({ tenant: one.tenant, all: true, limit: 1 });
        const page = await store.queryApprovals({ tenant: two.tenant, all: true, limit: 10, cursor });
        expect(new Set(page.items.map(({ tenant }) => tenant))).toEqual(new Set([two.tenant]));
      });

      it('is no list of executions, and has none', async () => {
        const { tenant, executionId } = await given({ tenant: `tenant-${suffix()}` });
        const { items } = await store.listExecutions({ tenant, limit: 9 });
        expect(items.map((execution) => execution.executionId)).toEqual([executionId]);
      });

      it.each(['', 'nonsense', Buffer.from('2026-01-01T00:00:00.000Z#report:one').toString('base64url')])(
        'refuses the cursor "%s"',
        async (cursor) => {
          const query = { tenant: 'default', all: true, limit: 5, cursor };
          await expect(store.queryApprovals(query)).rejects.toMatchObject({ code: 'invalid_request' });
        },
      );
    });

    describe('what is due', () => {
      it('has approvals of their own kind, oldest first, until they are moved or done', async () => {
        const late = await given({ checkAt: '2020-01-01T00:00:01.000Z' });
        const early = await given({ checkAt: '2020-01-01T00:00:00.000Z' });
        const now = new Date('2020-01-01T00:00:02.000Z');
        expect(await store.due('approval', now, 10)).toEqual([early, late]);
        expect(await store.due('approval', now, 1)).toEqual([early]);
        expect(await store.due('execution', now, 10)).toEqual([]);
        expect(await store.due('lease', now, 10)).toEqual([]);

        await commit(late, decision(late, { status: 'expired', checkAt: '2026-01-01T00:00:30.000Z' }));
        await commit(early, { item: 'approval', approvalId: early.approvalId, remove: ['checkAt'] });
        expect(await store.due('approval', now, 10)).toEqual([]);
      });
    });
  });
}
