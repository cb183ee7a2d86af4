import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import {
  computeHoldId,
  type ExecutionBudget,
  type Hold,
  type HoldRequest,
  type Payer,
  type Scope,
  type ScopeState,
} from '../../../lib/budget/ledger.ts';
import { type NanoUsd, nanoUsd, usd, ZERO_USD } from '../../../lib/budget/money.ts';
import type { ExecutionRecord, LeaseRecord } from '../../../lib/execution/records.ts';
import { tenantChain } from '../../../lib/people/tenant-chain.ts';
import type { Announcements, Budgets, Clock, Ledger } from '../../../lib/ports.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aLease, anExecution } from '../fakes/records.ts';

export interface LedgerUnderTest {
  readonly ledger: Ledger & Budgets & Announcements;
  /** The same store from another process, which remembers nothing. */
  readonly elsewhere: Ledger;
  /** Makes the records that the ledger checks and counts in. */
  given(records: { readonly execution?: ExecutionRecord; readonly lease?: LeaseRecord }): Promise<void>;
  /** Takes the right of a lease away. */
  fence(lease: LeaseRecord): Promise<void>;
  /** How many events were written to a chain. */
  eventsOfChain(chainId: string): Promise<number>;
  close?(): Promise<void>;
}

const PURPOSE = { provider: 'openai', model: 'gpt-5', priceBook: 'a'.repeat(64) };

/** Everything that the gateway, the steps and the control API rely on. Tenants and executions are new in each test. */
export function describeLedgerContract(
  name: string,
  makeLedger: (clock: Clock) => LedgerUnderTest | Promise<LedgerUnderTest>,
): void {
  describe(`ledger: ${name}`, () => {
    const clock = new FakeClock();
    const ids = ulidIds(clock);
    let under: LedgerUnderTest;
    let ledger: LedgerUnderTest['ledger'];

    beforeAll(async () => {
      under = await makeLedger(clock);
      ledger = under.ledger;
    });
    afterAll(() => under.close?.());

    interface Scene {
      readonly payer: Payer;
      readonly lease: LeaseRecord;
      readonly execution: Scope;
      readonly agent: Scope;
      readonly day: Scope;
      readonly month: Scope;
      readonly tenantDay: Scope;
      readonly tenantMonth: Scope;
    }

    /** An execution with a budget and a claimed lease, at noon of 26 November 2026 unless another time is given. */
    async function given(
      budget: Partial<ExecutionBudget> = {},
      at = '2026-11-26T12:00:00.000Z',
      of: Partial<Payer> = {},
    ): Promise<Scene> {
      clock.set(at);
      const tenant = of.tenant ?? `t-${randomBytes(6).toString('hex')}`;
      const workflow = 'report';
      const executionId = `${workflow}:${randomBytes(6).toString('hex')}`;
      const payer: Payer = { tenant, workflow, executionId, path: 'write', attempt: 1, agent: 'writer', ...of };
      const lease = aLease({ executionId, path: payer.path, attempt: 1, status: 'claimed', epoch: 3 });
      await under.given({ execution: anExecution({ executionId, tenant }), lease });
      await ledger.openExecution({
        executionId,
        tenant,
        workflow,
        agents: { writer: usd(100_000) },
        alertsAt: [500, 900],
        windows: {},
        ...budget,
      });
      const day = at.slice(0, 10);
      const month = at.slice(0, 7);
      return {
        payer,
        lease,
        execution: { kind: 'execution', executionId },
        agent: { kind: 'agent', executionId, agent: payer.agent },
        day: { kind: 'workflow', tenant, workflow, window: 'day', period: day },
        month: { kind: 'workflow', tenant, workflow, window: 'month', period: month },
        tenantDay: { kind: 'tenant', tenant, window: 'day', period: day },
        tenantMonth: { kind: 'tenant', tenant, window: 'month', period: month },
      };
    }

    function call(scene: Scene, amount: NanoUsd, more: Partial<HoldRequest> = {}): HoldRequest {
      return {
        holdId: ids.next(),
        kind: 'call',
        payer: scene.payer,
        purpose: PURPOSE,
        amount,
        leaseEpoch: 3,
        expiresAt: '2026-11-26T12:20:00.000Z',
        ...more,
      };
    }

    async function hold(scene: Scene, amount: NanoUsd, more: Partial<HoldRequest> = {}): Promise<Hold> {
      const result = await ledger.reserve(call(scene, amount, more));
      if (result.kind !== 'held') throw new Error(`not held: ${JSON.stringify(result)}`);
      return result.hold;
    }

    async function scope(of: Scope): Promise<ScopeState> {
      const state = await ledger.getScope(of);
      if (state === undefined) throw new Error(`no scope ${JSON.stringify(of)}`);
      return state;
    }

    const all = (scene: Scene) => [
      scene.execution,
      scene.agent,
      scene.day,
      scene.month,
      scene.tenantDay,
      scene.tenantMonth,
    ];

    async function expectSums(scene: Scene): Promise<void> {
      for (const of of all(scene)) {
        const { limit = 0, remaining, spent, held } = await scope(of);
        expect(remaining).toBe(limit - spent - held);
      }
    }

    it('holds in every scope, and settles what it cost in every one', async () => {
      const scene = await given({ limit: usd(1), windows: { daily: usd(10), alertsAt: [500] } });
      const { executionId } = scene.payer;
      const held = await hold(scene, usd('0.40'));
      expect(held).toMatchObject({ state: 'open', amount: usd('0.40'), scopes: all(scene) });
      for (const of of all(scene)) expect(await scope(of)).toMatchObject({ held: usd('0.40'), spent: 0, inflight: 1 });
      expect(await scope(scene.execution)).toMatchObject({
        limit: usd(1),
        remaining: usd('0.60'),
        alertsAt: [500, 900],
      });
      expect(await scope(scene.day)).toMatchObject({ limit: usd(10), remaining: usd('9.60'), alertsAt: [500] });
      expect((await scope(scene.month)).limit).toBeUndefined();
      expect(await scope(scene.agent)).toMatchObject({ limit: usd(100_000) });
      await expectSums(scene);

      clock.advance(5);
      const usage = { tokens: { input: 100, cacheRead: 20, output: 7 } };
      const raw = { id: 'chat-1', strange: 1e300, empty: { '': [[[]]] } };
      const settled = await ledger.settle({
        executionId,
        holdId: held.holdId,
        cost: usd('0.25'),
        source: 'reported',
        usage,
        raw,
      });
      const entry = {
        holdId: held.holdId,
        kind: 'call',
        payer: scene.payer,
        purpose: PURPOSE,
        held: usd('0.40'),
        cost: usd('0.25'),
        source: 'reported',
        usage,
        raw,
        settledAt: '2026-11-26T12:00:05.000Z',
      };
      expect(settled).toEqual({ kind: 'settled', entry });
      for (const of of all(scene)) expect(await scope(of)).toMatchObject({ held: 0, spent: usd('0.25'), inflight: 0 });
      await expectSums(scene);
      expect(await ledger.getHold(executionId, held.holdId)).toEqual({ ...held, state: 'settled' });
      expect(await ledger.listHolds(executionId)).toEqual([]);
      expect(await ledger.listEntries(executionId, { limit: 10 })).toEqual({ items: [entry] });
      expect(await ledger.attemptTotals(executionId)).toEqual([
        { path: 'write', attempt: 1, calls: 1, cost: usd('0.25') },
      ]);
      expect(await ledger.listCosts(scene.payer.tenant, { from: '2026-11-25', to: '2026-11-27' })).toEqual([
        {
          day: '2026-11-26',
          workflow: 'report',
          agent: 'writer',
          provider: 'openai',
          model: 'gpt-5',
          calls: 1,
          cost: usd('0.25'),
          inputTokens: 120,
          outputTokens: 7,
        },
      ]);
      expect(await ledger.listCosts(scene.payer.tenant, { from: '2026-11-27', to: '2026-11-28' })).toEqual([]);
    });

    it('lets be spent exactly what the limit is, and refuses the next with its numbers', async () => {
      const scene = await given({ limit: usd('0.10') });
      const first = await hold(scene, usd('0.09'));
      const refusal = { scope: scene.execution, limit: usd('0.10'), needed: usd('0.09') };
      expect(await ledger.reserve(call(scene, usd('0.09')))).toEqual({
        kind: 'refused',
        refusal: { code: 'budget_held', ...refusal, spent: 0, held: usd('0.09') },
      });
      await settle(scene, first, usd('0.09'));
      expect(await ledger.reserve(call(scene, usd('0.09')))).toEqual({
        kind: 'refused',
        refusal: { code: 'budget_exhausted', ...refusal, spent: usd('0.09'), held: 0 },
      });
      await settle(scene, await hold(scene, usd('0.01')), usd('0.01'));
      expect(await scope(scene.execution)).toMatchObject({ remaining: 0, spent: usd('0.10'), held: 0, inflight: 0 });
      expect((await ledger.listHolds(scene.payer.executionId)).length).toBe(0);
    });

    it.each([
      ['workflow', 'day', '2026-11-27T00:00:00.000Z'],
      ['workflow', 'month', '2026-12-01T00:00:00.000Z'],
      ['tenant', 'day', '2026-11-27T00:00:00.000Z'],
      ['tenant', 'month', '2026-12-01T00:00:00.000Z'],
    ] as const)('a %s is refused by its %s, and told when that ends', async (kind, window, resetsAt) => {
      const limits = window === 'day' ? { daily: usd(1) } : { monthly: usd(1) };
      const scene = await given(kind === 'workflow' ? { windows: limits } : {});
      if (kind === 'tenant') await ledger.setTenantLimits(scene.payer.tenant, limits);
      await hold(scene, usd('0.60'));
      const result = await ledger.reserve(call(scene, usd('0.60')));
      expect(result).toMatchObject({
        kind: 'refused',
        refusal: { code: 'budget_held', scope: { kind, window }, limit: usd(1), held: usd('0.60'), resetsAt },
      });
      expect((await scope(scene.execution)).held).toBe(usd('0.60'));
    });

    it('an agent without a limit, or a bound of calls at the same time, is not counted by itself', async () => {
      const scene = await given({ agents: { critic: usd(3) } });
      const free = await hold(scene, usd(1));
      expect(free.scopes.map(({ kind }) => kind)).toEqual(['execution', 'workflow', 'workflow', 'tenant', 'tenant']);
      expect(await ledger.getHold(scene.payer.executionId, free.holdId)).toEqual(free);
      expect(await ledger.getScope(scene.agent)).toBeUndefined();
      const bounded = await hold(scene, usd(1), { rate: { concurrent: 2 } });
      expect(bounded.scopes).toContainEqual(scene.agent);
      await settle(scene, free, usd(1));
      await settle(scene, bounded, usd('0.50'));
      const state = await scope(scene.agent);
      expect(state).toMatchObject({ spent: usd('0.50'), held: 0, inflight: 0 });
      expect(state.limit).toBeUndefined();
      expect(await scope(scene.execution)).toMatchObject({ spent: usd('1.50'), held: 0, inflight: 0 });
    });

    it('a limit of one agent stops this agent alone', async () => {
      const scene = await given({ limit: usd(10), agents: { writer: usd(2), critic: usd(3) } });
      expect(await ledger.reserve(call(scene, usd('2.01')))).toMatchObject({
        kind: 'refused',
        refusal: { code: 'budget_exhausted', scope: scene.agent, limit: usd(2) },
      });
      const critic = { ...scene, payer: { ...scene.payer, agent: 'critic' } };
      await hold(critic, usd('2.01'));
      await hold({ ...scene, payer: { ...scene.payer, agent: 'reader' } }, usd(5));
      const scopes = await ledger.listScopes(scene.payer.executionId);
      expect(scopes.map((state) => ('agent' in state.scope ? state.scope.agent : state.scope.kind))).toEqual([
        'execution',
        'critic',
        'writer',
      ]);
    });

    it('of several refusals it tells one that no retry gets past, else the one with the least left', async () => {
      const scene = await given({ limit: usd(1), agents: { writer: usd('0.70') } });
      await hold(scene, usd('0.50'));
      expect(await ledger.reserve(call(scene, usd('0.60')))).toMatchObject({
        refusal: { code: 'budget_held', scope: scene.agent },
      });
      await hold({ ...scene, payer: { ...scene.payer, agent: 'critic' } }, usd('0.45'));
      expect(await ledger.reserve(call(scene, usd('0.60')))).toMatchObject({
        refusal: { code: 'budget_held', scope: scene.execution },
      });
      expect(await ledger.reserve(call(scene, usd('0.80')))).toMatchObject({
        refusal: { code: 'budget_exhausted', scope: scene.agent },
      });
    });

    it('what the task that asks holds for itself is not given back while it asks: no retry gets past it', async () => {
      const scene = await given({ limit: usd(1) });
      const compute = { kind: 'compute', holdId: computeHoldId(scene.payer) } as const;
      await hold(scene, usd('0.60'), compute);
      expect(await ledger.reserve(call(scene, usd('0.50')))).toMatchObject({
        refusal: { code: 'budget_exhausted', scope: scene.execution, held: usd('0.60'), spent: ZERO_USD },
      });
      // To another attempt it is held by others.
      const other = { ...scene, payer: { ...scene.payer, attempt: 2 } };
      const { leaseEpoch: _, ...unleased } = call(other, usd('0.50'));
      expect(await ledger.reserve({ ...unleased, kind: 'compute' })).toMatchObject({
        refusal: { code: 'budget_held', scope: scene.execution },
      });
      await ledger.settle({ executionId: scene.payer.executionId, ...compute, cost: usd('0.10'), source: 'reported' });
      expect(await ledger.reserve(call(scene, usd('0.95')))).toMatchObject({ refusal: { code: 'budget_exhausted' } });
      expect(await ledger.reserve(call(scene, usd('0.50')))).toMatchObject({ kind: 'held' });
    });

    it('a repeat answers with the hold, also when nothing is left and from another process', async () => {
      const scene = await given({ limit: usd(1) });
      const request = call(scene, usd(1));
      const first = await ledger.reserve(request);
      clock.advance(60);
      expect(await ledger.reserve(request)).toEqual(first);
      expect(await under.elsewhere.reserve(request)).toEqual(first);
      expect(await scope(scene.execution)).toMatchObject({ held: usd(1), inflight: 1 });
      await ledger.release(scene.payer.executionId, request.holdId);
      expect(await ledger.reserve(request)).toMatchObject({ kind: 'held', hold: { state: 'released' } });
      expect((await scope(scene.execution)).held).toBe(0);
    });

    it('a call needs the lease to be claimed under its epoch, compute does not', async () => {
      const scene = await given({ limit: usd(1) });
      expect(await ledger.reserve(call(scene, usd('0.10'), { leaseEpoch: 2 }))).toEqual({ kind: 'fenced' });
      const { leaseEpoch: _, ...without } = call(scene, usd('0.10'));
      expect(await ledger.reserve(without)).toEqual({ kind: 'fenced' });
      const other = { ...scene, payer: { ...scene.payer, attempt: 2 } };
      expect(await ledger.reserve(call(other, usd('0.10')))).toEqual({ kind: 'fenced' });
      await under.fence(scene.lease);
      expect(await ledger.reserve(call(scene, usd('0.10')))).toEqual({ kind: 'fenced' });
      expect((await scope(scene.execution)).held).toBe(0);
      const task = { ...without, kind: 'compute', holdId: 'compute:write:2' } as const;
      expect(await ledger.reserve(task)).toMatchObject({ kind: 'held' });
    });

    it('an execution that was not opened is refused, and nothing is written', async () => {
      const scene = await given();
      const executionId = `report:${randomBytes(6).toString('hex')}`;
      const request = { ...call(scene, usd(1)), kind: 'compute' as const, payer: { ...scene.payer, executionId } };
      await expect(ledger.reserve(request)).rejects.toMatchObject({ code: 'unknown_execution' });
      expect(await ledger.listScopes(executionId)).toEqual([]);
      expect(await ledger.listHolds(executionId)).toEqual([]);
    });

    it('settles once: a repeat answers with the entry and changes nothing', async () => {
      const scene = await given({ limit: usd(1) });
      const { holdId } = await hold(scene, usd('0.50'));
      const { executionId } = scene.payer;
      const settlement = { executionId, holdId, cost: usd('0.20'), source: 'reported' as const };
      const first = await ledger.settle(settlement);
      if (first.kind !== 'settled') throw new Error(first.kind);
      clock.advance(10);
      expect(await ledger.settle({ ...settlement, cost: usd('0.30') })).toEqual({
        kind: 'already',
        entry: first.entry,
      });
      expect(await under.elsewhere.settle(settlement)).toEqual({ kind: 'already', entry: first.entry });
      expect(await ledger.release(executionId, holdId)).toBe(false);
      expect(await ledger.unsettle(executionId, holdId, 'late')).toBe(false);
      expect(await ledger.renew(executionId, holdId, '2026-11-26T13:00:00.000Z')).toBe(false);
      expect(await scope(scene.execution)).toMatchObject({ spent: usd('0.20'), held: 0, remaining: usd('0.80') });
      expect(await ledger.settle({ ...settlement, holdId: 'nobody' })).toEqual({ kind: 'unknown' });
      expect(await ledger.release(executionId, 'nobody')).toBe(false);
    });

    it('twenty settlements of one hold at the same time spend it once', async () => {
      const scene = await given({ limit: usd(1) });
      const { holdId } = await hold(scene, usd('0.50'));
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? ledger : under.elsewhere).settle({
            executionId: scene.payer.executionId,
            holdId,
            cost: usd('0.20'),
            source: 'reported',
          }),
        ),
      );
      expect(results.filter(({ kind }) => kind === 'settled')).toHaveLength(1);
      expect(await scope(scene.execution)).toMatchObject({ spent: usd('0.20'), held: 0, inflight: 0 });
      expect(await ledger.attemptTotals(scene.payer.executionId)).toMatchObject([{ calls: 1, cost: usd('0.20') }]);
    });

    it('what was reserved here can be settled elsewhere', async () => {
      const scene = await given({ limit: usd(1) });
      const { holdId } = await hold(scene, usd('0.50'));
      const { executionId } = scene.payer;
      expect(await under.elsewhere.unsettle(executionId, holdId, 'the gateway ended')).toBe(true);
      expect(await ledger.release(executionId, holdId)).toBe(false);
      expect(await ledger.settle({ executionId, holdId, cost: usd('0.10'), source: 'reconciled' })).toMatchObject({
        kind: 'settled',
      });
      expect(await scope(scene.execution)).toMatchObject({ spent: usd('0.10'), held: 0, inflight: 0 });
    });

    it('what cost more than was held is spent in full, and its entry says so', async () => {
      const scene = await given({ limit: usd(1) });
      const { holdId } = await hold(scene, usd('0.90'));
      expect(
        await ledger.settle({ executionId: scene.payer.executionId, holdId, cost: usd('1.20'), source: 'reported' }),
      ).toMatchObject({ kind: 'settled', entry: { held: usd('0.90'), cost: usd('1.20') } });
      expect(await scope(scene.execution)).toMatchObject({
        spent: usd('1.20'),
        held: 0,
        remaining: usd(1) - usd('1.20'),
      });
      expect(await ledger.reserve(call(scene, ZERO_USD))).toMatchObject({ refusal: { code: 'budget_exhausted' } });
      await expectSums(scene);
    });

    it('gives back whole what was not charged', async () => {
      const scene = await given({ limit: usd(1) });
      const { holdId } = await hold(scene, usd(1));
      expect(await ledger.release(scene.payer.executionId, holdId)).toBe(true);
      expect(await ledger.release(scene.payer.executionId, holdId)).toBe(false);
      expect(
        await ledger.settle({ executionId: scene.payer.executionId, holdId, cost: usd(1), source: 'reported' }),
      ).toEqual({
        kind: 'already',
      });
      expect(await scope(scene.execution)).toMatchObject({ spent: 0, held: 0, inflight: 0, remaining: usd(1) });
      expect(await ledger.listEntries(scene.payer.executionId, { limit: 5 })).toEqual({ items: [] });
    });

    it('what is not known stays held in full, is listed, and a person settles it', async () => {
      const scene = await given({ limit: usd(1) });
      const { executionId, tenant } = scene.payer;
      const first = await hold(scene, usd('0.30'));
      clock.advance(1);
      const second = await hold(scene, usd('0.30'));
      expect(await ledger.unsettle(executionId, second.holdId, 'the stream broke')).toBe(true);
      expect(await ledger.unsettle(executionId, second.holdId, 'again')).toBe(false);
      expect(await ledger.unsettle(executionId, first.holdId, 'the stream broke')).toBe(true);
      expect(await scope(scene.execution)).toMatchObject({ held: usd('0.60'), inflight: 2 });
      const listed = { ...second, state: 'unsettled', reason: 'the stream broke' };
      expect(await ledger.getHold(executionId, second.holdId)).toEqual(listed);
      const page = await ledger.unsettledHolds(tenant, { limit: 1 });
      expect(page.items.map(({ holdId }) => holdId)).toEqual([first.holdId]);
      const next = await ledger.unsettledHolds(tenant, { limit: 1, cursor: page.cursor ?? '' });
      expect(next).toEqual({ items: [listed] });
      expect(
        await ledger.settle({
          executionId,
          holdId: second.holdId,
          cost: ZERO_USD,
          source: 'person',
          reason: 'the provider did not charge',
          by: 'ada',
        }),
      ).toMatchObject({ kind: 'settled', entry: { by: 'ada', reason: 'the provider did not charge' } });
      expect((await ledger.unsettledHolds(tenant, { limit: 5 })).items).toHaveLength(1);
      expect((await ledger.listHolds(executionId)).map(({ holdId }) => holdId)).toEqual([first.holdId]);
      await expect(ledger.unsettledHolds(tenant, { limit: 5, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    });

    it('finds calls that nobody ended, the oldest first, and neither renewed ones nor compute', async () => {
      const scene = await given({}, '2001-02-03T10:00:00.000Z');
      const at = (minute: number) => `2001-02-03T10:${String(minute).padStart(2, '0')}:00.000Z`;
      const late = await hold(scene, usd(1), { expiresAt: at(30) });
      const early = await hold(scene, usd(1), { expiresAt: at(20) });
      const renewed = await hold(scene, usd(1), { expiresAt: at(10) });
      await ledger.reserve({ ...call(scene, usd(1)), kind: 'compute', holdId: 'compute:write:1', expiresAt: at(1) });
      expect(await ledger.renew(scene.payer.executionId, renewed.holdId, at(50))).toBe(true);
      expect(await ledger.renew(scene.payer.executionId, 'compute:write:1', at(50))).toBe(false);
      const expired = await ledger.expiredHolds(new Date(at(40)), 10);
      expect(expired).toEqual([early, late]);
      expect(await ledger.expiredHolds(new Date(at(40)), 1)).toEqual([early]);
      expect(await ledger.expiredHolds(new Date(at(20)), 10)).toEqual([]);
      for (const { holdId } of expired) await ledger.unsettle(scene.payer.executionId, holdId, 'nobody settled it');
      expect(await ledger.expiredHolds(new Date(at(40)), 10)).toEqual([]);
      expect((await ledger.expiredHolds(new Date(at(51)), 10)).map(({ holdId }) => holdId)).toEqual([renewed.holdId]);
      await ledger.release(scene.payer.executionId, renewed.holdId);
    });

    it('unsettled calls of a provider with records are looked up when they are due, until they are settled or given up', async () => {
      // Long ago, so that nothing of another test is due.
      const scene = await given({}, '2000-02-03T10:00:00.000Z');
      const { executionId, tenant } = scene.payer;
      const purpose = { ...PURPOSE, provider: 'bedrock' };
      const at = (minute: number) => `2000-02-03T10:${String(minute).padStart(2, '0')}:00.000Z`;
      const due = async (minute: number) =>
        (await ledger.holdsToLookUp(new Date(at(minute)), 10)).map(({ holdId }) => holdId);
      const first = await hold(scene, usd(1), { purpose });
      const second = await hold(scene, usd(1), { purpose });
      const elsewhere = await hold(scene, usd(1), { purpose: { ...PURPOSE, provider: 'gemini' } });
      expect(await ledger.lookUpAgain(executionId, first.holdId, at(1))).toBe(false);
      await ledger.reserve({ ...call(scene, usd(1)), kind: 'compute', holdId: 'compute:write:1' });
      clock.set(at(1));
      await ledger.unsettle(executionId, first.holdId, 'the stream broke');
      clock.set(at(2));
      for (const holdId of [second.holdId, elsewhere.holdId, 'compute:write:1']) {
        await ledger.unsettle(executionId, holdId, 'the stream broke');
      }
      expect(await due(1)).toEqual([]);
      expect(await due(3)).toEqual([first.holdId, second.holdId]);
      expect(await ledger.holdsToLookUp(new Date(at(3)), 1)).toEqual([
        { ...first, state: 'unsettled', reason: 'the stream broke' },
      ]);
      expect(await ledger.lookUpAgain(executionId, first.holdId, at(10))).toBe(true);
      expect(await ledger.lookUpAgain(executionId, elsewhere.holdId, at(10))).toBe(false);
      expect(await due(3)).toEqual([second.holdId]);
      expect(await due(11)).toEqual([second.holdId, first.holdId]);
      expect(await ledger.lookUpAgain(executionId, second.holdId)).toBe(true);
      expect(await ledger.lookUpAgain(executionId, second.holdId, at(10))).toBe(false);
      expect(await due(11)).toEqual([first.holdId]);
      // A person still finds it.
      expect((await ledger.unsettledHolds(tenant, { limit: 10 })).items).toHaveLength(4);
      await ledger.settle({ executionId, holdId: first.holdId, cost: usd(1), source: 'reconciled' });
      expect(await due(11)).toEqual([]);
      expect(await ledger.lookUpAgain(executionId, first.holdId, at(10))).toBe(false);
    });

    it("midnight moves nothing: yesterday's hold settles yesterday", async () => {
      const scene = await given({ windows: { daily: usd(1), monthly: usd(2) } }, '2026-11-30T23:59:50.000Z');
      const old = await hold(scene, usd('0.80'));
      clock.set('2026-12-01T00:00:10.000Z');
      const fresh = await hold(scene, usd('0.90'));
      const today: Scope = { ...scene.day, period: '2026-12-01' } as Scope;
      expect(fresh.scopes[2]).toEqual(today);
      expect(await scope(today)).toMatchObject({ limit: usd(1), remaining: usd('0.10'), held: usd('0.90') });
      await settle(scene, old, usd('0.70'));
      expect(await scope(scene.day)).toMatchObject({ spent: usd('0.70'), held: 0, remaining: usd('0.30') });
      expect(await scope(scene.month)).toMatchObject({ spent: usd('0.70'), held: 0, remaining: usd('1.30') });
      expect(await scope(today)).toMatchObject({ spent: 0, held: usd('0.90') });
      expect(await scope(scene.execution)).toMatchObject({ spent: usd('0.70'), held: usd('0.90'), inflight: 1 });
      // Costs are of the day on which they were settled.
      expect(await ledger.listCosts(scene.payer.tenant, { from: '2026-11-30', to: '2026-11-30' })).toEqual([]);
      expect(await ledger.listCosts(scene.payer.tenant, { from: '2026-11-30', to: '2026-12-02' })).toMatchObject([
        { day: '2026-12-01', cost: usd('0.70') },
      ]);
    });

    it('limits of calls at the same time count running calls alone', async () => {
      const scene = await given({ agents: {} });
      const rate = { concurrent: 2 };
      const first = await hold(scene, usd(1), { rate });
      await hold(scene, usd(1), { rate });
      await ledger.reserve({ ...call(scene, usd(1)), kind: 'compute', holdId: 'compute:write:1' });
      const limited = { kind: 'limited', limit: 'concurrent', retryAfterSeconds: 1 };
      expect(await ledger.reserve(call(scene, usd(1), { rate }))).toEqual(limited);
      // One of which nobody knows the cost does not run any more.
      await ledger.unsettle(scene.payer.executionId, first.holdId, 'broken');
      const third = await hold(scene, usd(1), { rate });
      await settle(scene, first, usd(1));
      expect(await ledger.reserve(call(scene, usd(1), { rate }))).toEqual(limited);
      await ledger.release(scene.payer.executionId, third.holdId);
      await hold(scene, usd(1), { rate });
    });

    it('limits of requests and tokens are of the minute', async () => {
      const scene = await given({}, '2026-11-26T12:00:40.500Z');
      const requests = { rate: { requestsPerMinute: 2 }, tokens: 10 };
      await hold(scene, usd(1), requests);
      await hold(scene, usd(1), requests);
      expect(await ledger.reserve(call(scene, usd(1), requests))).toEqual({
        kind: 'limited',
        limit: 'requestsPerMinute',
        retryAfterSeconds: 20,
      });
      const tokens = { rate: { tokensPerMinute: 100 }, tokens: 80 };
      await hold(scene, usd(1), tokens);
      expect(await ledger.reserve(call(scene, usd(1), { ...tokens, tokens: 1 }))).toMatchObject({
        limit: 'tokensPerMinute',
      });
      expect((await scope(scene.agent)).inflight).toBe(3);
      clock.advance(20);
      await hold(scene, usd(1), requests);
      await hold(scene, usd(1), { ...tokens, tokens: 90 });
      const other = { ...scene, payer: { ...scene.payer, agent: 'critic' } };
      await hold(other, usd(1), { ...tokens, tokens: 100 });
      expect(
        await ledger.reserve(
          call({ ...scene, payer: { ...scene.payer, agent: 'third' } }, usd(1), { ...tokens, tokens: 101 }),
        ),
      ).toMatchObject({
        limit: 'tokensPerMinute',
      });
      expect(
        await ledger.reserve(
          call({ ...scene, payer: { ...scene.payer, agent: 'third' } }, usd(1), { rate: { requestsPerMinute: 0 } }),
        ),
      ).toMatchObject({ limit: 'requestsPerMinute' });
    });

    it('50 reserves at the same time of a budget for 3 get exactly 3, and every refusal is true', async () => {
      const scene = await given({ limit: usd(3) });
      const results = await Promise.all(Array.from({ length: 50 }, () => reserveWhileBusy(call(scene, usd(1)))));
      expect(results.filter(({ kind }) => kind === 'held')).toHaveLength(3);
      for (const result of results) {
        if (result.kind === 'held') continue;
        if (result.kind !== 'refused') throw new Error(result.kind);
        const { spent, held, needed, limit } = result.refusal;
        expect(spent + held + needed).toBeGreaterThan(limit);
      }
      expect(await scope(scene.execution)).toMatchObject({ held: usd(3), remaining: 0, inflight: 3 });
      await expectSums(scene);
    });

    it('opens an execution once, and takes the limits of the newest start for its windows', async () => {
      const scene = await given({ limit: usd(5), windows: { daily: usd(1), alertsAt: [500] } });
      const budget = {
        executionId: scene.payer.executionId,
        tenant: scene.payer.tenant,
        workflow: 'report',
        limit: usd(50),
        agents: {},
        alertsAt: [],
        windows: { daily: usd(100) },
      };
      await settle(scene, await hold(scene, usd('0.60')), usd('0.60'));
      await hold(scene, usd('0.10'));
      await ledger.openExecution(budget);
      expect(await scope(scene.execution)).toMatchObject({ limit: usd(5) });
      expect(await scope(scene.day)).toMatchObject({ limit: usd(1), remaining: usd('0.30') });

      const newer = { ...budget, executionId: `report:${randomBytes(6).toString('hex')}` };
      await ledger.openExecution({ ...newer, windows: { daily: usd(2), monthly: usd('0.50'), alertsAt: [900] } });
      expect(await scope(scene.day)).toMatchObject({
        limit: usd(2),
        remaining: usd('1.30'),
        spent: usd('0.60'),
        held: usd('0.10'),
        alertsAt: [900],
      });
      expect(await scope(scene.month)).toMatchObject({ limit: usd('0.50'), remaining: usd('0.50') - usd('0.70') });
      expect(await ledger.reserve(call(scene, usd('0.01')))).toMatchObject({
        refusal: { code: 'budget_exhausted', scope: scene.month },
      });

      await ledger.openExecution({ ...newer, executionId: `report:${randomBytes(6).toString('hex')}`, windows: {} });
      const day = await scope(scene.day);
      expect([day.limit, day.alertsAt, day.remaining]).toEqual([undefined, undefined, -usd('0.70')]);
      await hold(scene, usd(3));
      await expectSums(scene);
      const found = await ledger.executionScopes([scene.payer.executionId, newer.executionId, 'report:nothing']);
      expect([...found.keys()].sort()).toEqual([scene.payer.executionId, newer.executionId].sort());
      expect(found.get(newer.executionId)).toMatchObject({ limit: usd(50), remaining: usd(50) });
    });

    it('limits of a tenant hold for the current and for later windows', async () => {
      const scene = await given({}, '2026-11-26T12:00:00.000Z');
      const { tenant } = scene.payer;
      expect(await ledger.getTenantLimits(tenant)).toEqual({});
      await settle(scene, await hold(scene, usd(3)), usd(3));
      await ledger.setTenantLimits(tenant, { daily: usd(4), monthly: usd(20), alertsAt: [500, 1000] });
      await ledger.setTenantLimits(tenant, { daily: usd(4), monthly: usd(20), alertsAt: [500, 1000] });
      expect(await ledger.getTenantLimits(tenant)).toEqual({ daily: usd(4), monthly: usd(20), alertsAt: [500, 1000] });
      expect(await scope(scene.tenantDay)).toMatchObject({ limit: usd(4), remaining: usd(1), alertsAt: [500, 1000] });
      clock.set('2026-11-27T12:00:00.000Z');
      await hold(scene, usd(4));
      expect(await ledger.reserve(call(scene, usd(1)))).toMatchObject({
        refusal: { scope: { kind: 'tenant', window: 'day', period: '2026-11-27' } },
      });
    });

    it('a limit that is set while calls reserve loses none of them', async () => {
      const scene = await given({ windows: { daily: usd(1_000) } });
      const { tenant } = scene.payer;
      await hold(scene, usd(1));
      const [results] = await Promise.all([
        Promise.all(Array.from({ length: 15 }, () => reserveWhileBusy(call(scene, usd(1))))),
        whileBusy(() => ledger.setTenantLimits(tenant, { daily: usd(8) })),
        whileBusy(() => ledger.raise({ executionId: scene.payer.executionId, by: usd(1), raiseId: 'x' })).catch(
          () => 0,
        ),
      ]);
      const held = results.filter(({ kind }) => kind === 'held').length + 1;
      expect(await scope(scene.tenantDay)).toMatchObject({
        limit: usd(8),
        held: usd(held),
        remaining: usd(8) - usd(held),
        inflight: held,
      });
      await expectSums(scene);
    });

    it('raises an execution and its agents, once for each id', async () => {
      const scene = await given({ limit: usd(1), agents: { writer: usd(1) } });
      const { executionId } = scene.payer;
      await hold(scene, usd(1));
      const raise = { executionId, by: usd('0.50'), raiseId: 'raise-1' };
      expect(await ledger.raise(raise)).toMatchObject({
        limit: usd('1.50'),
        remaining: usd('0.50'),
        alertsAt: [500, 900],
      });
      expect(await ledger.raise(raise)).toMatchObject({ limit: usd('1.50') });
      expect(await ledger.reserve(call(scene, usd('0.50')))).toMatchObject({ refusal: { scope: scene.agent } });
      expect(await ledger.raise({ ...raise, agent: 'writer', raiseId: 'raise-2' })).toMatchObject({
        scope: scene.agent,
        limit: usd('1.50'),
      });
      await hold(scene, usd('0.50'));
      await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          whileBusy(() => ledger.raise({ executionId, by: usd(1), raiseId: `many-${index % 3}` })),
        ),
      );
      expect(await scope(scene.execution)).toMatchObject({ limit: usd('4.50'), remaining: usd(3) });
      await expect(ledger.raise({ ...raise, executionId: 'report:nothing' })).rejects.toMatchObject({
        code: 'unknown_execution',
      });
      await expect(ledger.raise({ ...raise, agent: 'critic', raiseId: 'raise-3' })).rejects.toMatchObject({
        code: 'invalid_budget',
      });
      await expect(ledger.raise({ ...raise, by: ZERO_USD, raiseId: 'raise-4' })).rejects.toMatchObject({
        code: 'invalid_budget',
      });
      const most = nanoUsd(Number.MAX_SAFE_INTEGER);
      await expect(ledger.raise({ ...raise, by: most, raiseId: 'raise-5' })).rejects.toMatchObject({
        code: 'invalid_money',
      });
    });

    it('nothing is counted beyond what numbers can hold', async () => {
      const scene = await given({ agents: {} });
      const most = nanoUsd(Number.MAX_SAFE_INTEGER);
      await hold(scene, most);
      await expect(ledger.reserve(call(scene, usd(1)))).rejects.toMatchObject({ code: 'invalid_money' });
      await expect(ledger.reserve(call(scene, -1 as NanoUsd))).rejects.toMatchObject({ code: 'invalid_money' });
      expect(await scope(scene.execution)).toMatchObject({ held: most, remaining: -most });
    });

    it('lists entries in the order of settlement, page by page', async () => {
      const scene = await given({ limit: usd(10) });
      const { executionId } = scene.payer;
      const holds: Hold[] = [];
      for (let index = 0; index < 5; index += 1) holds.push(await hold(scene, usd(1)));
      for (const held of holds.toReversed()) {
        clock.advance(1);
        await settle(scene, held, usd('0.50'));
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await ledger.listEntries(executionId, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.items.map(({ holdId }) => holdId));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(holds.map(({ holdId }) => holdId).toReversed());
      await expect(ledger.listEntries(executionId, { limit: 2, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
      });
      expect(await ledger.attemptTotals(executionId)).toEqual([
        { path: 'write', attempt: 1, calls: 5, cost: usd('2.50') },
      ]);
    });

    it('compute costs, and is no call', async () => {
      const scene = await given({ limit: usd(1) });
      const holdId = 'compute:write:1';
      const purpose = { provider: 'fargate', model: 'X86_64 0.25 vCPU 512 MiB', priceBook: 'b'.repeat(64) };
      await ledger.reserve({ ...call(scene, usd('0.50')), holdId, kind: 'compute', purpose });
      await ledger.settle({ executionId: scene.payer.executionId, holdId, cost: usd('0.10'), source: 'reported' });
      expect(await ledger.attemptTotals(scene.payer.executionId)).toMatchObject([{ calls: 0, cost: usd('0.10') }]);
      expect(await ledger.listCosts(scene.payer.tenant, { from: '2026-11-26', to: '2026-11-26' })).toMatchObject([
        { provider: 'fargate', calls: 0, cost: usd('0.10') },
      ]);
    });

    it('announces once, in the chain of an execution or of a tenant', async () => {
      const scene = await given();
      const { executionId, tenant } = scene.payer;
      const chain = tenantChain(tenant);
      const event = (of: { executionId: string; workflow: string; traceId: string }) =>
        buildEvent({ ids, clock }, of, {
          type: 'cost.alert',
          data: { scope: { kind: 'execution' }, threshold: 0.5, spentNanoUsd: 1, limitNanoUsd: 2 },
          actor: { type: 'system', id: 'test', via: 'test' },
        });
      const own = event({ executionId, workflow: 'report', traceId: 'trace' });
      const marker = `${executionId} 500`;
      const results = await Promise.all(
        Array.from({ length: 8 }, () => whileBusy(() => ledger.announceOnce(marker, executionId, [own]))),
      );
      expect(results.filter((told) => told)).toHaveLength(1);
      expect(await under.eventsOfChain(executionId)).toBe(1);
      expect(await ledger.announceOnce(`${tenant} 500`, chain.executionId, [event(chain)])).toBe(true);
      expect(await ledger.announceOnce(`${tenant} 500`, chain.executionId, [event(chain)])).toBe(false);
      expect(await ledger.announceOnce(`${tenant} 900`, chain.executionId, [event(chain)])).toBe(true);
      expect(await under.eventsOfChain(chain.executionId)).toBe(2);
    });

    async function settle(scene: Scene, { holdId }: Hold, cost: NanoUsd): Promise<void> {
      const result = await ledger.settle({ executionId: scene.payer.executionId, holdId, cost, source: 'reported' });
      expect(result).toMatchObject({ kind: 'settled' });
    }

    const reserveWhileBusy = (request: HoldRequest) => whileBusy(() => ledger.reserve(request));

    /** As callers do: what is busy is asked again. */
    async function whileBusy<T>(ask: () => Promise<T>): Promise<T> {
      for (;;) {
        try {
          return await ask();
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'ledger_busy') throw error;
        }
      }
    }
  });
}
