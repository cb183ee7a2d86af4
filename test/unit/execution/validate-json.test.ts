import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { usd } from '../../../lib/budget/money.ts';
import { acceptInput, executionLimit } from '../../../lib/execution/accept-input.ts';
import { problemsError, validateJson } from '../../../lib/execution/validate-json.ts';
import type { Json, JsonSchema } from '../../../lib/json.ts';

const schema = z.toJSONSchema(
  z.object({
    table: z.string().min(1),
    mail: z.email().optional(),
    when: z.iso.datetime().optional(),
    items: z.array(z.object({ id: z.number().int() })).default([]),
    mode: z.enum(['dry', 'real']).default('dry'),
  }),
  { io: 'input' },
) as JsonSchema;
const problems = (value: Json) => {
  const verdict = validateJson(schema, value);
  return verdict.ok ? [] : verdict.problems.map(({ pointer, reason }) => `${pointer}: ${reason}`);
};

describe('validateJson', () => {
  it('completes a value with the defaults, without changing what it was given', () => {
    const value = { table: 'orders' };
    expect(validateJson(schema, value)).toEqual({ ok: true, value: { table: 'orders', items: [], mode: 'dry' } });
    expect(value).toEqual({ table: 'orders' });
  });

  it('finds all problems, each with its place', () => {
    expect(problems({ table: '', items: [{ id: 1 }, { id: 'x' }], mode: 'maybe' })).toEqual([
      '/table: must NOT have fewer than 1 characters',
      '/items/1/id: must be integer',
      '/mode: must be equal to one of the allowed values: dry, real',
    ]);
  });

  it('checks formats', () => {
    expect(problems({ table: 'x', mail: 'nobody', when: 'yesterday' }).map((text) => text.split(':')[0])).toEqual(
      expect.arrayContaining(['/mail', '/when']),
    );
    expect(problems({ table: 'x', mail: 'ada@example.com', when: '2026-01-01T00:00:00Z' })).toEqual([]);
  });

  it('names fields that are missing or not allowed, never their values', () => {
    const strict = { ...schema, additionalProperties: false };
    const verdict = validateJson(strict, { secret: 'hunter2' });
    expect(verdict.ok).toBe(false);
    const text = JSON.stringify(verdict);
    expect(text).toContain('table');
    expect(text).toContain('secret');
    expect(text).not.toContain('hunter2');
  });

  it('knows two schemas with one id apart', () => {
    const id = 'https://example.com/one';
    expect(validateJson({ $id: id, type: 'string' }, 'x').ok).toBe(true);
    expect(validateJson({ $id: id, type: 'number' }, 'x').ok).toBe(false);
    expect(validateJson({ $id: id, type: 'string' }, 'x').ok).toBe(true);
  });

  it('says which schema cannot be used', () => {
    expect(() => validateJson({ type: 'strnig' }, 'x')).toThrowError(
      expect.objectContaining({ code: 'schema_not_representable' }),
    );
  });
});

describe('problemsError', () => {
  it('stays small, however much is wrong', () => {
    const long = 'x'.repeat(10_000);
    const verdict = validateJson(
      { type: 'object', additionalProperties: false },
      Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${long}${index}`, 1])),
    );
    const error = problemsError('invalid_input', 'no', verdict.ok ? [] : verdict.problems, 'fix it');
    expect(JSON.stringify([error.message, error.details]).length).toBeLessThan(64 * 1024);
    expect(error.message).toContain('and 480 more');
  });
});

describe('acceptInput', () => {
  const workflow = { name: 'report', inputSchema: schema };

  it('gives the data with its defaults', () => {
    expect(acceptInput(workflow, { table: 'orders' })).toMatchObject({ table: 'orders', mode: 'dry' });
    expect(acceptInput(workflow, { table: 'orders', wflo: {} })).not.toHaveProperty('wflo');
  });

  it.each<Json>([{ budget: 1 }, { notify: [] }, 'no object', [], null])('refuses the option %j', (wflo) => {
    expect(() => acceptInput(workflow, { table: 'orders', wflo })).toThrowError(
      expect.objectContaining({ code: 'unknown_option' }),
    );
  });

  it.each<[Json, number]>([
    ['2.50', 2_500_000_000],
    [2, 2_000_000_000],
    [0.1, 100_000_000],
    ['0.000000001', 1],
    [5, 5_000_000_000],
  ])('lowers the budget of an execution to %j dollars', (budgetUsd, limit) => {
    const given = { table: 'orders', wflo: { budgetUsd } };
    expect(acceptInput(workflow, given)).not.toHaveProperty('wflo');
    expect(executionLimit(workflow, given)).toBe(limit);
    expect(executionLimit({ ...workflow, budget: { execution: usd(5) } }, given)).toBe(limit);
  });

  it('has the budget of the workflow where none is asked for', () => {
    expect(executionLimit({ ...workflow, budget: { execution: usd(5) } }, { table: 'orders' })).toBe(5_000_000_000);
    expect(executionLimit(workflow, { table: 'orders', wflo: {} })).toBeUndefined();
  });

  it.each<Json>([0, -1, '', '-1', '1e3', '1,5', '0.0000000001', 1e21, true, null, [], {}, '5.000000001', 5.01])(
    'refuses a budget of %j dollars under one of 5',
    (budgetUsd) => {
      const bounded = { ...workflow, budget: { execution: usd(5) } };
      expect(() => acceptInput(bounded, { table: 'orders', wflo: { budgetUsd } })).toThrowError(
        expect.objectContaining({ code: 'invalid_budget' }),
      );
    },
  );

  it.each<Json>([{}, [], 'text', null, 7])('refuses the input %j', (given) => {
    expect(() => acceptInput(workflow, given)).toThrowError(expect.objectContaining({ code: 'invalid_input' }));
  });
});
