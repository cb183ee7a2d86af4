import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scope, ScopeState } from '../../../lib/budget/ledger.ts';
import {
  afterLimit,
  afterReserve,
  afterSettle,
  costRowOf,
  currentPeriods,
  fits,
  newScope,
  reachedThresholds,
  refusalOf,
  scopeName,
  scopesOf,
  tokensOf,
} from '../../../lib/budget/ledger-rules.ts';
import { type NanoUsd, nanoUsd, usd } from '../../../lib/budget/money.ts';
import { daysBetween, endOfPeriod, periodOf, secondsToNextMinute } from '../../../lib/budget/windows.ts';

const EXECUTION: Scope = { kind: 'execution', executionId: 'report:one' };
const amount = fc.integer({ min: 0, max: 1e12 }).map((value) => nanoUsd(value));
const state = fc.record({ limit: fc.option(amount, { nil: undefined }), held: amount, spent: amount }).map(
  ({ limit, held, spent }): ScopeState => ({
    ...newScope(EXECUTION, limit, undefined),
    held,
    spent,
    remaining: nanoUsd((limit ?? 0) - held - spent),
  }),
);

const adds = ({ limit = 0 as NanoUsd, remaining, held, spent }: ScopeState) => remaining === limit - spent - held;

describe('a scope', () => {
  it('always adds up, and gives back what was taken', () => {
    fc.assert(
      fc.property(state, amount, amount, fc.option(amount, { nil: undefined }), (before, held, cost, limit) => {
        const reserved = afterReserve(before, held);
        const settled = afterSettle(reserved, held, cost);
        expect([reserved, settled, afterLimit(settled, limit, [500])].every(adds)).toBe(true);
        expect(afterSettle(reserved, held, nanoUsd(0))).toEqual(before);
        expect(afterLimit(afterLimit(before, limit, undefined), before.limit, undefined)).toEqual(before);
      }),
    );
  });

  it('refuses exactly where spent, held and needed are more than the limit', () => {
    fc.assert(
      fc.property(state, amount, (before, needed) => {
        const { limit, spent, held } = before;
        expect(fits(before, needed)).toBe(limit === undefined || spent + held + needed <= limit);
        const refusal = refusalOf([before], needed);
        expect(refusal === undefined).toBe(fits(before, needed));
        if (limit === undefined || refusal === undefined) return;
        expect(refusal.code).toBe(spent + needed <= limit ? 'budget_held' : 'budget_exhausted');
      }),
    );
  });

  it('reaches a share when what was spent is that share of the limit or more', () => {
    const reached = (spent: NanoUsd, limit: NanoUsd | undefined) =>
      reachedThresholds({ ...newScope(EXECUTION, limit, [500, 900, 1000]), spent });
    expect(reached(usd('0.49'), usd(1))).toEqual([]);
    expect(reached(usd('0.50'), usd(1))).toEqual([500]);
    expect(reached(usd('0.90'), usd(1))).toEqual([500, 900]);
    expect(reached(usd('1.20'), usd(1))).toEqual([500, 900, 1000]);
    expect(reached(usd(5), undefined)).toEqual([]);
    expect(reached(usd(0), usd(0))).toEqual([]);
    // A product beyond 2^53 is still compared exactly.
    expect(reached(nanoUsd(4_503_599_627_370_495), nanoUsd(Number.MAX_SAFE_INTEGER))).toEqual([]);
  });
});

describe('scopes of a payer', () => {
  const payer = {
    tenant: 'acme',
    workflow: 'report',
    executionId: 'report:one',
    path: 'w',
    attempt: 1,
    agent: 'writer',
  };

  it('are its execution and agent, and the UTC windows of its workflow and tenant', () => {
    const scopes = scopesOf(payer, new Date('2026-11-30T23:59:59.999Z'), true);
    expect(scopes.map(scopeName)).toEqual([
      'execution report:one',
      'agent report:one writer',
      'workflow acme report day 2026-11-30',
      'workflow acme report month 2026-11',
      'tenant acme day 2026-11-30',
      'tenant acme month 2026-11',
    ]);
  });

  it('around midnight there are two current days, and at the end of a month two months', () => {
    expect(currentPeriods('day', new Date('2026-11-30T12:00:00.000Z'))).toEqual(['2026-11-30']);
    expect(currentPeriods('day', new Date('2026-11-30T23:57:00.000Z'))).toEqual(['2026-11-30', '2026-12-01']);
    expect(currentPeriods('month', new Date('2026-12-31T23:57:00.000Z'))).toEqual(['2026-12', '2027-01']);
  });
});

describe('windows', () => {
  it('end where the next begins, in leap years too', () => {
    expect(endOfPeriod('day', '2028-02-28')).toBe('2028-02-29T00:00:00.000Z');
    expect(endOfPeriod('day', '2026-12-31')).toBe('2027-01-01T00:00:00.000Z');
    expect(endOfPeriod('month', '2026-12')).toBe('2027-01-01T00:00:00.000Z');
    expect(periodOf('month', new Date('2026-12-31T23:59:59.999Z'))).toBe('2026-12');
  });

  it('list days with both ends, and none backwards', () => {
    expect(daysBetween('2026-02-27', '2026-03-02')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02']);
    expect(daysBetween('2026-03-02', '2026-03-02')).toEqual(['2026-03-02']);
    expect(daysBetween('2026-03-02', '2026-03-01')).toEqual([]);
  });

  it('a minute ends after at least one second', () => {
    expect(secondsToNextMinute(new Date('2026-01-01T00:00:59.999Z'))).toBe(1);
    expect(secondsToNextMinute(new Date('2026-01-01T00:00:00.000Z'))).toBe(60);
  });
});

it('tokens that were read and written are counted once each', () => {
  expect(
    tokensOf({
      tokens: { input: 1, cacheRead: 2, cacheWrite1h: 4, inputAudio: 8, output: 16, outputImage: 32 },
      reasoningTokens: 9,
    }),
  ).toEqual({ input: 15, output: 48 });
  expect(tokensOf(undefined)).toEqual({ input: 0, output: 0 });
});

it.each([
  ['reported', { inputTokens: 15, outputTokens: 48 }],
  ['reconciled', { inputTokens: 15, outputTokens: 48 }],
  // More than there were: usage reports are compared with the tokens of a day.
  ['estimated', { inputTokens: 0, outputTokens: 0 }],
] as const)('the costs of a day have the tokens of what was %s as providers told them', (source, tokens) => {
  const row = costRowOf({
    holdId: 'one',
    kind: 'call',
    payer: {
      ...{ tenant: 'default', workflow: 'report', executionId: 'report:one' },
      ...{ path: 'write', attempt: 1, agent: 'writer' },
    },
    purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
    held: usd(1),
    cost: usd('0.25'),
    source,
    usage: { tokens: { input: 15, output: 48 } },
    settledAt: '2026-01-10T23:59:59.999Z',
  });
  expect(row).toMatchObject({ day: '2026-01-10', calls: 1, cost: usd('0.25'), ...tokens });
});
