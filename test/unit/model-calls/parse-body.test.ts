import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBody } from '../../../lib/model-calls/parse-body.ts';
import { cpuMilliseconds, refusalOf } from './call.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('what is not one JSON object is refused with 400', () => {
  test.each([
    ['nothing', bytes(''), 'empty'],
    ['blanks', bytes(' \n'), 'empty'],
    ['half an object', bytes('{"model":'), 'malformed'],
    ['a text without an end', bytes('{"model":"x'), 'malformed'],
    ['a name with a wrong escape', bytes('{"\\x":1}'), 'malformed'],
    ['two objects', bytes('{}{}'), 'malformed'],
    ['a list', bytes('[{}]'), 'not an object'],
    ['null', bytes('null'), 'not an object'],
    ['a byte that is never UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'not UTF-8'],
    ['half a character', Uint8Array.of(0x7b, 0x22, 0xe2, 0x82, 0x22, 0x3a, 0x31, 0x7d), 'not UTF-8'],
    ['a surrogate in UTF-8', Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d), 'not UTF-8'],
    ['a name twice', bytes('{"n":1,"n":100}'), '"n" twice'],
    ['a name twice, once escaped', bytes('{"n":1,"\\u006e":100}'), '"n" twice'],
    ['a name twice, deep inside', bytes('{"a":[{"b":{"c":1 , "c" :2}}]}'), '"c" twice'],
  ])('%s', (_, body, why) => {
    const refusal = refusalOf(() => parseBody(body));
    expect(refusal).toMatchObject({ code: 'malformed_json', status: 400 });
    expect(refusal.message).toContain(why);
  });

  test('a body that nests without end, in no time', () => {
    const body = bytes(`{"a":${'['.repeat(2_700_000)}${']'.repeat(2_700_000)}}`);
    const refuse = () => expect(refusalOf(() => parseBody(body)).message).toContain('128 levels');
    expect(cpuMilliseconds(refuse)).toBeLessThan(500);
  });
});

test('the same name in different objects, and as a value, is no repetition', () => {
  expect(parseBody(bytes('{"a":{"a":"a"},"b":["a","a",{"a":1},{"a":2}]}'))).toEqual({
    a: { a: 'a' },
    b: ['a', 'a', { a: 1 }, { a: 2 }],
  });
});

test('every JSON object is read as JSON.parse reads it', { timeout: 30_000 }, () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 })), (value) => {
      const text = JSON.stringify(value, null, 2);
      expect(parseBody(bytes(text))).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['one long text', JSON.stringify({ a: 'x'.repeat(5_500_000) })],
  ['only escapes', `{"a":"${'\\"'.repeat(2_750_000)}"}`],
  ['only backslashes', `{"a":"${'\\\\'.repeat(2_750_000)}"}`],
  ['only names', `{${Array.from({ length: 400_000 }, (_, at) => `"key${at}":1`).join(',')}}`],
])('5.5 MB in well under a second: %s', (_, text) => {
  const body = bytes(text);
  expect(cpuMilliseconds(() => parseBody(body))).toBeLessThan(1000);
});
