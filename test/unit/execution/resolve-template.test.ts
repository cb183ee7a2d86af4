import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoadedValues, readPath, resolveTemplate, resolveText } from '../../../lib/execution/resolve-template.ts';
import type { Json } from '../../../lib/json.ts';
import type { RefData, Template } from '../../../lib/workflow/template.ts';

const input = (...path: string[]): Template => ({ ref: { source: { from: 'input' }, path } });
const output = (step: string, ...path: string[]): Template => ({ ref: { source: { from: 'step', step }, path } });
const values: LoadedValues = {
  input: { table: 'orders', days: 30, dry: true, nothing: null, tags: ['a', 'b'] },
  steps: new Map<string, Json>([['plan', { ids: [{ id: 7 }] }]]),
};
const failure = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('resolveTemplate', () => {
  it('fills references at any depth', () => {
    const template: Template = {
      object: {
        table: input('table'),
        whole: output('plan'),
        first: output('plan', 'ids', '0', 'id'),
        list: { list: [{ literal: 1 }, input('nothing')] },
        text: { text: [{ literal: 'older than ' }, input('days'), { literal: ' days: ' }, input('dry')] },
      },
    };
    expect(resolveTemplate(template, values)).toEqual({
      table: 'orders',
      whole: { ids: [{ id: 7 }] },
      first: 7,
      list: [1, null],
      text: 'older than 30 days: true',
    });
  });

  it.each<[string, Template, string]>([
    ['a missing field', input('tabel'), 'input.tabel'],
    ['a missing item', output('plan', 'ids', '1', 'id'), 'plan.output.ids.1.id'],
    ['a field below a text', input('table', 'length'), 'input.table.length'],
    ['a field that every object inherits', input('constructor'), 'input.constructor'],
    ['a position that is none', input('tags', '-1'), 'input.tags.-1'],
    ['a step without an output', output('write', 'id'), 'write.output.id'],
  ])('names %s', (_, template, name) => {
    expect(failure(() => resolveTemplate(template, values))).toMatchObject({
      code: 'reference_not_resolved',
      message: expect.stringContaining(name),
    });
  });

  it('never takes text of a user for a reference, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (literal) => {
        expect(resolveTemplate({ literal: literal as Json }, values)).toEqual(literal);
        expect(resolveTemplate({ object: { a: { literal: literal as Json } } }, values)).toEqual({ a: literal });
      }),
    );
  });

  it('keeps a key that looks like the prototype as data', () => {
    const object = Object.fromEntries([['__proto__', { literal: 1 }]]) as { [key: string]: Template };
    expect(JSON.stringify(resolveTemplate({ object }, values))).toBe('{"__proto__":1}');
  });
});

describe('resolveText', () => {
  it('writes scalars as text', () => {
    expect([input('table'), input('days'), input('dry')].map((ref) => resolveText(ref, values))).toEqual([
      'orders',
      '30',
      'true',
    ]);
  });

  it.each([input('tags'), output('plan'), input('nothing')])('refuses what is not a scalar', (template) => {
    expect(failure(() => resolveText(template, values))).toMatchObject({ code: 'reference_not_resolved' });
    expect(failure(() => resolveTemplate({ text: [template] }, values))).toMatchObject({
      code: 'reference_not_resolved',
    });
  });
});

describe('readPath', () => {
  it('finds every value of any JSON under its own path', () => {
    const walk = (value: Json, path: RefData['path']): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [name, below] of Object.entries(value)) walk(below, [...path, name]);
      for (const [name, below] of Object.entries(value)) expect(readPath(value, [name])).toEqual(below);
    };
    fc.assert(fc.property(fc.jsonValue(), (value) => walk(value as Json, [])));
  });
});
