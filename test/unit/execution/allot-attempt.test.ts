import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allotAttempt } from '../../../lib/execution/allot-attempt.ts';
import type { AttemptRecord } from '../../../lib/execution/records.ts';
import { anAttempt } from '../../_helpers/fakes/records.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describe('allotAttempt', () => {
  it('begins with 1', () => {
    expect(allotAttempt([], at(1))).toEqual({ kind: 'new', attempt: 1 });
  });

  it('gives one entry the same attempt, whatever became of it', () => {
    const record = anAttempt({ enteredAt: at(1), status: 'retried' });
    expect(allotAttempt([record], at(1))).toEqual({ kind: 'same', record });
  });

  it('gives a later entry the next attempt, once the one before is over', () => {
    expect(allotAttempt([anAttempt({ enteredAt: at(1), status: 'retried' })], at(2))).toEqual({
      kind: 'new',
      attempt: 2,
    });
  });

  it.each(['prepared', 'running', 'exited'] as const)('starts nothing beside an attempt that is %s', (status) => {
    expect(allotAttempt([anAttempt({ enteredAt: at(1), status })], at(2))).toEqual({ kind: 'late' });
  });

  it('gives an entry that came before the last attempt nothing', () => {
    expect(allotAttempt([anAttempt({ enteredAt: at(5), status: 'retried' })], at(2))).toEqual({ kind: 'late' });
  });

  it('numbers without holes, and never twice, whatever is delivered how often in which order', () => {
    const entries = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(entries, (seconds) => {
        const attempts: AttemptRecord[] = [];
        for (const second of seconds) {
          const allotted = allotAttempt(attempts, at(second));
          if (allotted.kind !== 'new') continue;
          attempts.push(anAttempt({ attempt: allotted.attempt, enteredAt: at(second), status: 'retried' }));
        }
        expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, index) => index + 1));
        expect(new Set(attempts.map(({ enteredAt }) => enteredAt)).size).toBe(attempts.length);
      }),
    );
  });
});
