import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffSeconds, decideFinish, type FinishFacts } from '../../../lib/execution/decide-finish.ts';
import { EXIT_REASONS, type ExitReason } from '../../../lib/sandbox/exit.ts';
import { EFFECTS } from '../../../lib/workflow/definition.ts';

const facts = (changed: Partial<FinishFacts> & { readonly reason?: ExitReason } = {}): FinishFacts => {
  const { reason = 'lost', ...rest } = changed;
  return {
    exit: { reason, code: null },
    reported: true,
    claimed: true,
    effects: 'none',
    idempotent: false,
    retry: { maxRetries: 2, initialDelaySeconds: 2, maxDelaySeconds: 30 },
    attempt: 1,
    ending: false,
    random: 0.5,
    ...rest,
  };
};
const outcome = (changed: Parameters<typeof facts>[0]) => {
  const decision = decideFinish(facts(changed));
  return decision.next === 'failed' ? decision.error.code : decision.next;
};

describe('decideFinish', () => {
  it('lets an attempt that ended well succeed', () => {
    expect(decideFinish(facts({ reason: 'ok' }))).toEqual({ next: 'ok' });
  });

  it('repeats what others hold the money for, while retries are left, and nothing that does not fit at all', () => {
    const held = { failure: { code: 'budget_held', message: 'held' }, claimed: false, reported: false } as const;
    expect(outcome(held)).toBe('again');
    expect(outcome({ ...held, effects: 'irreversible' })).toBe('again');
    expect(outcome({ ...held, attempt: 3 })).toBe('budget_held');
    expect(outcome({ ...held, ending: true })).toBe('budget_held');
    expect(outcome({ ...held, failure: { code: 'budget_exhausted', message: 'too little' } })).toBe('budget_exhausted');
  });

  it('does not repeat what its runner stopped for the budget', () => {
    expect(outcome({ reason: 'budget_exceeded', idempotent: true })).toBe('budget_exceeded');
  });

  it('repeats an attempt that was lost before its claim, whatever its effects', () => {
    for (const effects of EFFECTS) expect(outcome({ claimed: false, effects })).toBe('again');
  });

  it('does not know the outcome of an attempt with effects that was lost after its claim', () => {
    for (const effects of ['reversible', 'compensatable', 'irreversible'] as const) {
      expect(outcome({ effects })).toBe('outcome_unknown');
      expect(outcome({ effects, idempotent: true })).toBe('again');
    }
    expect(outcome({ effects: 'none' })).toBe('again');
  });

  it('does not know it either where the reason was concluded from the task, such as too little memory', () => {
    const lost = { reason: 'out_of_memory', reported: false } as const;
    expect(outcome({ ...lost, effects: 'irreversible' })).toBe('outcome_unknown');
    expect(outcome({ ...lost, effects: 'irreversible', claimed: false, attempt: 3 })).toBe('out_of_memory');
    expect(outcome({ ...lost, effects: 'none' })).toBe('out_of_memory');
    expect(outcome({ reason: 'out_of_memory', effects: 'irreversible' })).toBe('out_of_memory');
  });

  it.each<[ExitReason, string]>([
    ['agent_failed', 'again'],
    ['killed', 'again'],
    ['runner_error', 'again'],
    ['image_error', 'again'],
    ['lost', 'again'],
    ['timed_out', 'timed_out'],
    ['out_of_memory', 'out_of_memory'],
  ])('decides on a harmless attempt that ended as %s: %s', (reason, expected) => {
    expect(outcome({ reason })).toBe(expected);
  });

  it('does not repeat an agent with effects that failed by itself', () => {
    expect(outcome({ reason: 'agent_failed', effects: 'irreversible' })).toBe('agent_failed');
    expect(outcome({ reason: 'agent_failed', effects: 'irreversible', idempotent: true })).toBe('again');
  });

  it('never repeats what its exit does not tell, such as an output that does not fit', () => {
    const failure = { code: 'invalid_output', message: 'no' } as const;
    expect(decideFinish(facts({ reason: 'ok', failure }))).toEqual({ next: 'failed', error: failure });
    expect(outcome({ claimed: false, failure })).toBe('invalid_output');
  });

  it('repeats as often as the policy says', () => {
    expect(outcome({ attempt: 2 })).toBe('again');
    expect(outcome({ attempt: 3 })).toBe('sandbox_lost');
    const retry = { maxRetries: 0, initialDelaySeconds: 1, maxDelaySeconds: 1 };
    expect(outcome({ claimed: false, retry })).toBe('sandbox_lost');
  });

  it('repeats nothing once the execution is ending', () => {
    expect(outcome({ ending: true, claimed: false })).toBe('sandbox_lost');
  });

  it('fails with the code that was concluded from the task', () => {
    expect(outcome({ reason: 'runner_error', code: 'sandbox_not_started', attempt: 3 })).toBe('sandbox_not_started');
  });
});

describe('decideFinish, for any attempt', () => {
  const anyFacts = fc.record({
    exit: fc.record({ reason: fc.constantFrom(...EXIT_REASONS), code: fc.constantFrom(null, 0, 1, 137) }),
    reported: fc.boolean(),
    claimed: fc.boolean(),
    effects: fc.constantFrom(...EFFECTS),
    idempotent: fc.boolean(),
    retry: fc.record({
      maxRetries: fc.integer({ min: 0, max: 10 }),
      initialDelaySeconds: fc.integer({ min: 1, max: 300 }),
      maxDelaySeconds: fc.integer({ min: 1, max: 3600 }),
    }),
    attempt: fc.integer({ min: 1, max: 20 }),
    ending: fc.boolean(),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });

  it('never acts twice where a repeat could do harm', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const mayHarm = some.claimed && some.effects !== 'none' && !some.idempotent;
        if (mayHarm) expect(decideFinish(some).next).not.toBe('again');
      }),
    );
  });

  it('never repeats beyond the policy, and waits whole seconds within its cap', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const decision = decideFinish(some);
        if (decision.next !== 'again') return;
        expect(some.attempt).toBeLessThanOrEqual(some.retry.maxRetries);
        expect(Number.isInteger(decision.waitSeconds)).toBe(true);
        expect(decision.waitSeconds).toBeGreaterThanOrEqual(0);
        expect(decision.waitSeconds).toBeLessThanOrEqual(some.retry.maxDelaySeconds);
      }),
    );
  });

  it('succeeds only where the attempt ended well', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        expect(decideFinish(some).next === 'ok').toBe(some.exit.reason === 'ok');
      }),
    );
  });
});

describe('backoffSeconds', () => {
  const retry = { maxRetries: 10, initialDelaySeconds: 2, maxDelaySeconds: 10 };

  it('spreads over the whole delay, which doubles up to its cap', () => {
    const most = [1, 2, 3, 4, 10].map((attempt) => backoffSeconds(retry, attempt, 0.999_999));
    expect(most).toEqual([2, 4, 8, 10, 10]);
    expect(backoffSeconds(retry, 4, 0)).toBe(0);
  });
});
