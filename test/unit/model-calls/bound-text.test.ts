import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../../lib/json.ts';
import { jsonTokens, templateTokens, textBytes } from '../../../lib/model-calls/bound-text.ts';

test('text has at most as many tokens as bytes', () => {
  expect(textBytes('')).toBe(0);
  expect(textBytes('a')).toBe(1);
  expect(textBytes('ä€👋')).toBe(9);
  // A surrogate without its other half becomes a replacement character of three bytes.
  expect(textBytes('\ud800')).toBe(3);
});

test('a value has at least a token for each byte of its JSON, also where every character is escaped', () => {
  for (const text of ['"'.repeat(1000), '\\'.repeat(1000), '\n'.repeat(1000), '\u0001'.repeat(1000), '\ud800']) {
    expect(jsonTokens(text)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(text)) - 2);
    const named = { [text]: [text] };
    expect(jsonTokens(named)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(named)));
  }
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      // Quotes around a text that stands alone are of the template.
      expect(jsonTokens(value as Json) + 2).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(value)));
    }),
  );
});

test('a value has a token for each byte, also where every character beyond ASCII is written as an escape', () => {
  const escaped = (value: unknown) =>
    JSON.stringify(value).replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  for (const text of ['ä'.repeat(1000), '中'.repeat(1000), '😀'.repeat(1000)]) {
    const named = { [text]: [text] };
    expect(jsonTokens(named)).toBeGreaterThanOrEqual(escaped(named).length);
  }
});

test('a value has tokens for each line of a description that becomes a comment', () => {
  const text = 'a\n'.repeat(500);
  expect(jsonTokens(text)).toBeGreaterThanOrEqual(Buffer.byteLength(text.replaceAll('\n', '\n//')));
});

test('a template is around the request, its messages and its tools', () => {
  const template = { request: 1000, message: 100, tools: 10, tool: 1 };
  expect(templateTokens(template, 2, 0)).toBe(1200);
  expect(templateTokens(template, 2, 3)).toBe(1213);
});
