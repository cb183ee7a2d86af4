import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelTarget } from '../../../sandbox-images/runner/src/model-target.ts';

const SECRET = 'a-secret-of-32-characters-000000';
const of = (rest: string): string => `/${SECRET}${rest}`;

describe('the target of a model call', () => {
  it.each([
    ['/openai/v1/chat/completions', 'openai'],
    ['/anthropic/v1/messages?beta=true', 'anthropic'],
    ['/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', 'gemini'],
    ['/bedrock/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream', 'bedrock'],
    ['/bedrock/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b/invoke', 'bedrock'],
    ['/openai/v1/models/a%20b?x=%2e%2e%2f', 'openai'],
  ])('is %s as it came', (rest, provider) => {
    expect(modelTarget(of(rest), SECRET)).toEqual({ provider, path: rest });
  });

  it.each([
    ['without the secret', '/openai/v1/models'],
    ['with another secret', '/a-secret-of-32-characters-000001/openai/v1/models'],
    ['with a part of the secret', `/${SECRET.slice(0, -1)}/openai/v1/models`],
    ['with the secret in its query', `/openai/v1/models?${SECRET}`],
    ['to nobody', of('')],
    ['to an unknown provider', of('/mistral/v1/chat')],
    ['to a provider in other letters', of('/OpenAI/v1/models')],
    ['to a provider in an encoded form', of('/%6fpenai/v1/models')],
    ['to a property of an object', of('/constructor/x')],
    ['without a path', of('/openai')],
    ['with an empty path', of('/openai/')],
    ['with an empty segment', of('/openai//v1/models')],
    ['with an empty segment first', `/${of('/openai/v1/models')}`],
    ['with an empty segment last', of('/openai/v1/')],
    ['with a way up', of('/openai/../../v1/claim')],
    ['with a way up, encoded', of('/openai/%2e%2E/v1/claim')],
    ['with a way up, half encoded', of('/openai/.%2e/v1/claim')],
    ['with a way up in an encoded segment', of('/openai/a%2F..%2F..%2Fv1%2Fclaim')],
    ['with an encoded slash at an end', of('/openai/%2Fv1/x')],
    ['encoded twice', of('/openai/%252e%252e/v1/claim')],
    ['with a dot', of('/openai/./v1')],
    ['with a backslash', of('/openai/..\\v1')],
    ['with an encoded backslash', of('/openai/..%5cv1')],
    ['with a fragment', of('/openai/v1#x')],
    ['with a NUL', of('/openai/v1%00')],
    ['with an encoded line break', of('/openai/v1%0d%0aHost:%20x')],
    ['with a broken encoding', of('/openai/v1/%zz')],
    ['with bytes that are no text', of('/openai/v1/%ff')],
    ['with a space', of('/openai/v1 HTTP/1.1')],
    ['in other than ASCII', of('/openai/v1/ü')],
    ['in absolute form', `http://169.254.169.254${of('/openai/v1')}`],
    ['in authority form', '127.0.0.1:22'],
    ['that is an asterisk', '*'],
    ['that is empty', ''],
  ])('is none %s', (_what, target) => {
    expect(modelTarget(target, SECRET)).toBeUndefined();
  });

  it('stays below its provider whatever a server resolves or decodes', () => {
    const piece = fc.constantFrom(
      '.',
      '..',
      '/',
      '%2e',
      '%2f',
      '%5c',
      '%25',
      '\\',
      'a',
      ':',
      '?',
      '%3A',
      '//',
      ';',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const found = modelTarget(of(`/openai/${pieces.join('')}`), SECRET);
        if (found === undefined) return;
        const read = new URL(`http://h/models${found.path}`);
        expect(read.pathname.startsWith('/models/openai/')).toBe(true);
        expect(new URL(decodeURIComponent(read.pathname), 'http://h').pathname).toMatch(/^\/models\/openai\//);
        expect(`${read.pathname}${read.search}`.length).toBeGreaterThanOrEqual(found.path.length);
      }),
    );
  });
});
