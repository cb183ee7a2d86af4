import fc from 'fast-check';
import { expect } from 'vitest';
import type { Scope, ScopeState, WindowLimits, WindowScope } from '../../../lib/budget/ledger.ts';
import { scopeName, scopesOf } from '../../../lib/budget/ledger-rules.ts';
import { type NanoUsd, nanoUsd } from '../../../lib/budget/money.ts';
import { endOfPeriod, periodOf } from '../../../lib/budget/windows.ts';
import type { Budgets, Ledger } from '../../../lib/ports.ts';
import type { FakeClock } from '../fakes/fake-clock.ts';

/** What may happen to a ledger. `of` chooses among what there is at that moment, so that every run is meaningful. */
export type Step =
  | {
      readonly do: 'reserve';
      readonly execution: number;
      readonly agent: number;
      readonly amount: number;
      readonly compute: boolean;
    }
  /** `parts` of a hundred of the hold; above 100 it is a broken bound. */
  | { readonly do: 'settle'; readonly of: number; readonly parts: number }
  | { readonly do: 'release' | 'unsettle' | 'renew' | 'reserve again' | 'settle again'; readonly of: number }
  | {
      readonly do: 'raise';
      readonly execution: number;
      readonly agent: number | undefined;
      readonly by: number;
      readonly id: number;
    }
  | { readonly do: 'limit tenant'; readonly daily: number | undefined; readonly monthly: number | undefined }
  | { readonly do: 'start'; readonly daily: number | undefined; readonly monthly: number | undefined }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'sweep' };

const money = fc.integer({ min: 0, max: 100 });
const limit = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined });
const of = fc.nat(30);
const execution = fc.nat(3);
const agent = fc.nat(2);

export const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      execution,
      agent,
      amount: money,
      compute: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('settle' as const), of, parts: fc.oneof(fc.nat(100), fc.nat(130)) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('release', 'unsettle', 'renew', 'reserve again', 'settle again'), of }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('raise' as const),
      execution,
      agent: fc.option(agent, { nil: undefined }),
      by: fc.integer({ min: 1, max: 100 }),
      id: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit tenant' as const), daily: limit, monthly: limit }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), daily: limit, monthly: limit }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
);

const AGENTS = ['writer', 'critic', 'reader'];
const START = '2026-11-29T20:00:00.000Z';
const EXPIRES_AFTER_MS = 2 * 3_600_000;

interface ModelHold {
  readonly holdId: string;
  readonly executionId: string;
  readonly kind: 'call' | 'compute';
  readonly amount: number;
  readonly scopes: readonly Scope[];
  readonly request: Parameters<Ledger['reserve']>[0];
  state: 'open' | 'unsettled' | 'settled' | 'released';
  expiresAt: number | undefined;
  cost: number;
}

/**
 * The ledger as anybody would write it down: a list of holds, and the limits. Every sum is counted from the list anew,
 * so that nothing can be lost in it.
 */
class Model {
  readonly holds: ModelHold[] = [];
  readonly executionLimits = new Map<string, number>();
  readonly opened = new Map<string, Scope>();
  readonly raised = new Set<string>();
  readonly windowLimits = new Map<string, { readonly limits: WindowLimits }>();
  /** Of windows that were opened: the limit that was last set while they were current. */
  readonly limitOf = new Map<string, number | undefined>();

  sums(scope: Scope): { held: number; spent: number; inflight: number; limit: number | undefined } {
    const name = scopeName(scope);
    const mine = this.holds.filter(({ scopes }) => scopes.some((other) => scopeName(other) === name));
    const held = mine.filter(({ state }) => state === 'open' || state === 'unsettled');
    const limits = 'executionId' in scope ? this.executionLimits : this.limitOf;
    return {
      held: held.reduce((sum, { amount }) => sum + amount, 0),
      spent: mine.reduce((sum, { cost }) => sum + cost, 0),
      inflight: held.length,
      limit: limits.get(name),
    };
  }

  /** A window begins with the limits of its moment. */
  open(scope: Scope): void {
    const name = scopeName(scope);
    if (this.opened.has(name)) return;
    this.opened.set(name, scope);
    if ('window' in scope) this.limitOf.set(name, this.limitFor(scope));
  }

  limitFor(scope: Scope & { readonly window: 'day' | 'month' }): number | undefined {
    const limits = this.windowLimits.get(scope.kind)?.limits ?? {};
    return scope.window === 'day' ? limits.daily : limits.monthly;
  }

  setWindowLimits(kind: 'workflow' | 'tenant', limits: WindowLimits, at: Date): void {
    this.windowLimits.set(kind, { limits });
    const days = [at, new Date(at.getTime() + 5 * 60_000)].map((moment) => moment.toISOString());
    for (const [name, scope] of this.opened) {
      if (!('window' in scope) || scope.kind !== kind) continue;
      if (days.some((day) => day.startsWith(scope.period))) this.limitOf.set(name, this.limitFor(scope));
    }
  }
}

/** Runs the steps one after the other, and compares every answer and all scopes with the model. */
export async function checkAgainstModel(
  ledger: Ledger & Budgets,
  clock: FakeClock,
  names: { readonly tenant: string; readonly workflow: string },
  steps: readonly Step[],
): Promise<void> {
  clock.set(START);
  const { tenant, workflow } = names;
  const model = new Model();
  const executions: string[] = [];
  let refused = 0;
  const idOf = (index: number) => executions[index % executions.length] ?? '';

  async function start(windows: WindowLimits): Promise<void> {
    const executionId = `${workflow}:${tenant}-${executions.length}`;
    const scope: Scope = { kind: 'execution', executionId };
    const writer: Scope = { kind: 'agent', executionId, agent: 'writer' };
    const budget = {
      executionId,
      tenant,
      workflow,
      limit: nanoUsd(250),
      agents: { writer: nanoUsd(120) },
      alertsAt: [],
      windows,
    };
    await ledger.openExecution(budget);
    executions.push(executionId);
    model.executionLimits.set(scopeName(scope), 250).set(scopeName(writer), 120);
    model.open(scope);
    model.open(writer);
    model.setWindowLimits('workflow', windows, clock.now());
    // A repeat, as after a crash, changes nothing, whatever it says.
    await ledger.openExecution({ ...budget, limit: nanoUsd(9_999), windows: {} });
  }

  async function reserve(step: Extract<Step, { do: 'reserve' }>): Promise<void> {
    const executionId = idOf(step.execution);
    const payer = {
      tenant,
      workflow,
      executionId,
      path: 'write',
      attempt: 1,
      agent: AGENTS[step.agent % AGENTS.length] ?? '',
    };
    const expiresAt = clock.now().getTime() + EXPIRES_AFTER_MS;
    const request = {
      holdId: `hold-${model.holds.length}-${clock.now().getTime()}-${refused}`,
      kind: step.compute ? ('compute' as const) : ('call' as const),
      payer,
      purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
      amount: nanoUsd(step.amount),
      leaseEpoch: 1,
      expiresAt: new Date(expiresAt).toISOString(),
    };
    const scopes = scopesOf(payer, clock.now());
    const result = await ledger.reserve(request);
    const full = scopes.filter((scope) => {
      const { held, spent, limit: most } = sumsOrNew(scope);
      return most !== undefined && spent + held + step.amount > most;
    });
    if (full.length > 0) {
      refused += 1;
      if (result.kind !== 'refused') throw new Error(`${result.kind}, although ${JSON.stringify(full)} are full`);
      const { refusal } = result;
      const { held, spent, limit: most } = sumsOrNew(refusal.scope);
      expect({ held: refusal.held, spent: refusal.spent, limit: refusal.limit }).toEqual({ held, spent, limit: most });
      expect(refusal.spent + refusal.held + refusal.needed).toBeGreaterThan(refusal.limit);
      expect(refusal.code).toBe(refusal.spent + refusal.needed > refusal.limit ? 'budget_exhausted' : 'budget_held');
      return;
    }
    if (result.kind !== 'held') throw new Error(`${JSON.stringify(result)}, although it fits`);
    for (const scope of scopes) model.open(scope);
    model.holds.push({
      holdId: request.holdId,
      executionId,
      kind: request.kind,
      amount: step.amount,
      scopes,
      request,
      state: 'open',
      expiresAt: step.compute ? undefined : expiresAt,
      cost: 0,
    });
  }

  /** What a window that is not there yet would begin with. */
  function sumsOrNew(scope: Scope) {
    const sums = model.sums(scope);
    const isNew = 'window' in scope && !model.opened.has(scopeName(scope));
    return isNew ? { ...sums, limit: model.limitFor(scope) } : sums;
  }
  await start({ daily: nanoUsd(300) });
  for (const step of steps) {
    const hold = 'of' in step ? model.holds[step.of % Math.max(1, model.holds.length)] : undefined;
    switch (step.do) {
      case 'reserve':
        await reserve(step);
        break;
      case 'settle': {
        if (hold === undefined) break;
        const cost = Math.floor((hold.amount * step.parts) / 100);
        const { executionId, holdId } = hold;
        const result = await ledger.settle({ executionId, holdId, cost: nanoUsd(cost), source: 'reported' });
        if (hold.state === 'settled' || hold.state === 'released') {
          expect(result.kind).toBe('already');
          break;
        }
        expect(result).toMatchObject({ kind: 'settled', entry: { held: hold.amount, cost } });
        hold.state = 'settled';
        hold.cost = cost;
        break;
      }
      case 'settle again': {
        if (hold?.state !== 'settled') break;
        const { executionId, holdId } = hold;
        const result = await ledger.settle({ executionId, holdId, cost: nanoUsd(9_999), source: 'reported' });
        expect(result).toMatchObject({ kind: 'already', entry: { cost: hold.cost } });
        break;
      }
      case 'release':
        if (hold === undefined) break;
        expect(await ledger.release(hold.executionId, hold.holdId)).toBe(hold.state === 'open');
        if (hold.state === 'open') hold.state = 'released';
        break;
      case 'unsettle':
        if (hold === undefined) break;
        expect(await ledger.unsettle(hold.executionId, hold.holdId, 'broken')).toBe(hold.state === 'open');
        if (hold.state === 'open') hold.state = 'unsettled';
        break;
      case 'renew': {
        if (hold === undefined) break;
        const expiresAt = clock.now().getTime() + EXPIRES_AFTER_MS;
        const renews = hold.state === 'open' && hold.kind === 'call';
        expect(await ledger.renew(hold.executionId, hold.holdId, new Date(expiresAt).toISOString())).toBe(renews);
        if (renews) hold.expiresAt = expiresAt;
        break;
      }
      case 'reserve again':
        if (hold === undefined) break;
        expect(await ledger.reserve(hold.request)).toMatchObject({ kind: 'held', hold: { state: hold.state } });
        break;
      case 'raise': {
        const executionId = idOf(step.execution);
        const name = step.agent === undefined ? undefined : (AGENTS[step.agent] ?? '');
        const scope: Scope =
          name === undefined ? { kind: 'execution', executionId } : { kind: 'agent', executionId, agent: name };
        const before = model.executionLimits.get(scopeName(scope));
        const raiseId = `${step.id}-${name ?? ''}`;
        const raise = ledger.raise({
          executionId,
          ...(name === undefined ? {} : { agent: name }),
          by: nanoUsd(step.by),
          raiseId,
        });
        if (before === undefined) {
          await expect(raise).rejects.toMatchObject({ code: 'invalid_budget' });
          break;
        }
        const isNew = !model.raised.has(`${executionId} ${raiseId}`);
        model.raised.add(`${executionId} ${raiseId}`);
        if (isNew) model.executionLimits.set(scopeName(scope), before + step.by);
        expect(await raise).toMatchObject({ limit: model.executionLimits.get(scopeName(scope)) });
        break;
      }
      case 'limit tenant': {
        const limits = limitsOf(step);
        await ledger.setTenantLimits(tenant, limits);
        model.setWindowLimits('tenant', limits, clock.now());
        expect(await ledger.getTenantLimits(tenant)).toEqual(limits);
        break;
      }
      case 'start':
        await start(limitsOf(step));
        break;
      case 'wait':
        clock.advance(step.hours * 3600);
        break;
      case 'sweep': {
        const now = clock.now().getTime();
        const due = model.holds.filter(
          ({ state, expiresAt }) => state === 'open' && expiresAt !== undefined && expiresAt < now,
        );
        const mine = (await ledger.expiredHolds(clock.now(), 1_000)).filter(({ payer }) => payer.tenant === tenant);
        expect(mine.map(({ holdId }) => holdId).toSorted()).toEqual(due.map(({ holdId }) => holdId).toSorted());
        for (const expired of due) {
          expect(await ledger.unsettle(expired.executionId, expired.holdId, 'expired')).toBe(true);
          expired.state = 'unsettled';
        }
        break;
      }
    }
  }
  await compare(ledger, model, executions, names, clock.now());
}

async function compare(
  ledger: Ledger & Budgets,
  model: Model,
  executions: readonly string[],
  { tenant }: { readonly tenant: string },
  now: Date,
): Promise<void> {
  for (const scope of model.opened.values()) {
    const { held, spent, inflight, limit: most } = model.sums(scope);
    const stored = await ledger.getScope(scope);
    // A store need not keep windows that were over before the last one.
    if (stored === undefined && 'window' in scope && isLongOver(scope, now)) continue;
    const expected = { held, spent, inflight, limit: most, remaining: (most ?? 0) - spent - held };
    expect(stored === undefined ? undefined : numbersOf(stored), scopeName(scope)).toEqual(expected);
  }
  for (const executionId of executions) {
    const mine = model.holds.filter((hold) => hold.executionId === executionId);
    const open = mine.filter(({ state }) => state === 'open' || state === 'unsettled');
    const listed = await ledger.listHolds(executionId);
    expect(listed.map(({ holdId }) => holdId).toSorted()).toEqual(open.map(({ holdId }) => holdId).toSorted());
    const entries = (await ledger.listEntries(executionId, { limit: 1_000 })).items;
    const settled = mine.filter(({ state }) => state === 'settled');
    expect(sum(entries.map(({ cost }) => cost))).toBe(sum(settled.map(({ cost }) => cost)));
    expect(entries).toHaveLength(settled.length);
    expect(sum((await ledger.attemptTotals(executionId)).map(({ cost }) => cost))).toBe(
      sum(entries.map(({ cost }) => cost)),
    );
  }
  const rows = await ledger.listCosts(tenant, { from: '2026-11-29', to: '2027-02-28' });
  expect(sum(rows.map(({ cost }) => cost))).toBe(sum(model.holds.map(({ cost }) => cost)));
}

/** Another window of the same length has begun and ended since. */
function isLongOver({ window, period }: WindowScope, now: Date): boolean {
  const after = endOfPeriod(window, period);
  return endOfPeriod(window, periodOf(window, new Date(after))) <= now.toISOString();
}

function numbersOf({ held, spent, inflight, limit: most, remaining }: ScopeState) {
  return { held, spent, inflight, limit: most, remaining };
}

function limitsOf({
  daily,
  monthly,
}: {
  readonly daily: number | undefined;
  readonly monthly: number | undefined;
}): WindowLimits {
  return {
    ...(daily === undefined ? {} : { daily: daily as NanoUsd }),
    ...(monthly === undefined ? {} : { monthly: monthly as NanoUsd }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
