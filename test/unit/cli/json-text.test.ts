import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonProblem, parseJson } from '../../../lib/cli/json-text.ts';

function nodeParses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the place where a text stops being JSON', () => {
  it.each([
    ['', 0, 'a value'],
    ['{', 1, 'a property name in double quotes, or }'],
    ["{'a':1}", 1, 'a property name in double quotes'],
    ['{a:1}', 1, 'a property name in double quotes'],
    ['{"a" 1}', 5, ':'],
    ['{"a":1,}', 7, 'a property name in double quotes'],
    ['{"a":1 "b":2}', 7, ', or }'],
    ['[1,2', 4, ', or ]'],
    ['[1,]', 3, 'a value'],
    ['{"a":01}', 6, ', or }'],
    ['tru', 0, 'a value'],
    ['"abc', 4, 'the end of a string'],
    ['"a\\x"', 3, 'an escape'],
    ['1 2', 2, 'the end'],
  ])('%j: at %i', (text, offset, expected) => {
    const problem = jsonProblem(text);
    expect(problem?.offset).toBe(offset);
    expect(problem?.expected).toContain(expected);
  });

  it('agrees with Node on what JSON is', () => {
    fc.assert(fc.property(fc.json(), (text) => jsonProblem(text) === undefined));
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '0', '.', 'e', ' ', '\u0001', '-'))
      .map(([text, at, insert]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + insert + text.slice(place + (insert === '' ? 1 : 0));
      });
    fc.assert(
      fc.property(damaged, (text) => (jsonProblem(text) === undefined) === nodeParses(text)),
      { numRuns: 2000 },
    );
  });

  it('is told by line and column', () => {
    expect(() => parseJson('{\n  "a": 1,\n  b: 2\n}', 'input.json', 'correct it')).toThrow(
      expect.objectContaining({
        code: 'malformed_json',
        fix: 'correct it',
        message: 'input.json is not JSON: line 3, column 3: expected a property name in double quotes, found "b"',
      }),
    );
  });
});
