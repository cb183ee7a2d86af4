import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setMember } from '../../../lib/model-calls/change-body.ts';

const set = (text: string, path: readonly string[], value: number | string) =>
  new TextDecoder().decode(setMember(new TextEncoder().encode(text), path, value));

describe('a body with one member set', () => {
  it('keeps everything else byte for byte', () => {
    expect(set(' { "id":12345678901234567890 , "s" : "\\u00e9}\\"" }\n', ['max_tokens'], 5)).toBe(
      ' {"max_tokens":5, "id":12345678901234567890 , "s" : "\\u00e9}\\"" }\n',
    );
    expect(set('{}', ['a'], 1)).toBe('{"a":1}');
    expect(set('{"a" : [1,{"b":"]"}] ,"b":null}', ['b'], 'x')).toBe('{"a" : [1,{"b":"]"}] ,"b":"x"}');
    expect(set('{"a":{"a":1},"b": 2.5e3 }', ['b'], 7)).toBe('{"a":{"a":1},"b": 7}');
  });

  it('makes the objects on the way where they are missing or null', () => {
    expect(set('{"a":1}', ['c', 'm'], 2)).toBe('{"c":{"m":2},"a":1}');
    expect(set('{"c":null}', ['c', 'm'], 2)).toBe('{"c":{"m":2}}');
    expect(set('{"c": {"x":{}, "m" : null}}', ['c', 'm'], 2)).toBe('{"c": {"x":{}, "m" : 2}}');
    expect(set('{"c": { }}', ['c', 'm'], 2)).toBe('{"c": {"m":2 }}');
  });

  it('finds a name however it is escaped', () => {
    expect(set('{"\\u0061":1}', ['a'], 2)).toBe('{"\\u0061":2}');
  });

  it('says the same as an object with that member', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 });
    fc.assert(
      fc.property(
        object,
        fc.string(),
        fc.integer(),
        fc.constantFrom(undefined, 1, '\t'),
        (body, name, value, space) => {
          const changed = JSON.parse(set(JSON.stringify(body, null, space), [name], value));
          const expected = JSON.parse(JSON.stringify(body));
          Object.defineProperty(expected, name, { value, enumerable: true, configurable: true, writable: true });
          expect(changed).toEqual(expected);
        },
      ),
    );
  });
});
