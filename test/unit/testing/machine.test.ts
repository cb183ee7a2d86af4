import { describe, expect, it } from 'vitest';
import { choiceHolds } from '../../../lib/testing/choice-holds.ts';
import { fillTemplate, readJsonPath, writeJsonPath } from '../../../lib/testing/json-path.ts';
import { VirtualTime } from '../../../lib/testing/virtual-time.ts';

describe('paths of a compiled document', () => {
  const data = { steps: { plan: { next: 'ok', refs: { n: null } } } };

  it('are read and written as the compiler uses them', () => {
    expect(readJsonPath('$', data)).toBe(data);
    expect(readJsonPath('$.steps.plan.next', data)).toBe('ok');
    expect(readJsonPath('$.steps.plan.refs.n', data)).toBeNull();
    expect(readJsonPath('$[1].plan', [{}, { plan: 3 }])).toBe(3);
    expect(writeJsonPath('$.steps.apply', data, 1)).toEqual({ steps: { ...data.steps, apply: 1 } });
    expect(writeJsonPath('$.step.caught', { step: { attempt: 1 } }, 2)).toEqual({ step: { attempt: 1, caught: 2 } });
  });

  it('are filled into a template', () => {
    const template = {
      kept: ['$.steps'],
      'next.$': '$.steps.plan.next',
      'id.$': '$$.Execution.Id',
      'text.$': "States.Format('{}', $.n)",
    };
    const filled = { kept: ['$.steps'], next: 'ok', id: 'one', text: '4' };
    expect(fillTemplate(template, { ...data, n: 4 }, { Execution: { Id: 'one' } })).toEqual(filled);
  });

  it('are nothing else', () => {
    expect(() => readJsonPath('$.steps.none', data)).toThrow('nothing at $.steps.none');
    expect(() => readJsonPath('$..plan', data)).toThrow('no path that the compiler writes');
  });
});

describe('a rule of a Choice', () => {
  const holds = (operator: string, right: string | number | boolean, value: string | number | boolean | null) =>
    choiceHolds({ Variable: '$.v', [operator]: right }, { v: value });

  it('compares values of its own type only', () => {
    expect(holds('NumericEquals', 0, null)).toBe(false);
    expect(holds('NumericEquals', 0, false)).toBe(false);
    expect(holds('StringEquals', 'a', null)).toBe(false);
    expect(holds('BooleanEquals', false, null)).toBe(false);
    expect(choiceHolds({ Not: { Variable: '$.v', StringEquals: 'a' } }, { v: null })).toBe(true);
  });

  it('compares text by code point, where UTF-16 has another order', () => {
    expect(holds('StringGreaterThan', '\uff5e', '\u{1f600}')).toBe(true);
    expect(holds('StringLessThanEquals', '\uff5e', '\uff5e')).toBe(true);
  });

  it('is one that the compiler writes', () => {
    expect(() => choiceHolds({ Variable: '$.v', IsPresent: true }, { v: 1 })).toThrow('no rule');
  });
});

describe('virtual time', () => {
  it('passes only while everybody sleeps, and wakes who is due first', async () => {
    const time = new VirtualTime(new Date(0));
    const seen: string[] = [];
    const process =
      (name: string, ...naps: readonly number[]) =>
      async () => {
        for (const nap of naps) {
          await time.sleep(nap);
          // What awaits something else keeps the time from passing.
          for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
          seen.push(`${name} ${time.now().getTime() / 1000}`);
        }
        return name;
      };
    expect(await time.together([process('a', 3, 3), process('b', 2, 2, 2)])).toEqual(['a', 'b']);
    expect(seen).toEqual(['b 2', 'a 3', 'b 4', 'a 6', 'b 6']);
  });

  it('stands still at its limit', async () => {
    const time = new VirtualTime(new Date(0));
    const limit = time.reach(5000);
    void time.sleep(6);
    await limit;
    expect(time.now().getTime()).toBe(5000);
  });
});
