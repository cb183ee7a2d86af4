import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, toErrorData, WfloError } from '../../lib/errors.ts';

const pages = resolve(import.meta.dirname, '../../docs/errors');

describe('error codes', () => {
  it('have one page each, with what it means, why it happens and what to do', () => {
    const codes = Object.keys(ERROR_CODES).sort();
    expect(readdirSync(pages).sort()).toEqual(codes.map((code) => `${code}.md`).sort());
    for (const code of codes) {
      const text = readFileSync(join(pages, `${code}.md`), 'utf8');
      expect(text).toMatch(new RegExp(`^# ${code}\\n\\n\\S[^]*## Why this happens\\n\\n\\S[^]*## What to do\\n\\n\\S`));
    }
  });

  it('travel as data with message, fix and details', () => {
    const error = new WfloError('invalid_input', 'age is -1', { fix: 'pass a positive age', details: { at: '/age' } });
    expect(toErrorData(error)).toStrictEqual({
      code: 'invalid_input',
      message: 'age is -1',
      fix: 'pass a positive age',
      details: { at: '/age' },
    });
    expect(toErrorData(new Error('boom'))).toStrictEqual({ code: 'internal', message: 'boom' });
  });
});
