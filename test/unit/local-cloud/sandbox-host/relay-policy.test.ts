import { describe, expect, it } from 'vitest';
import {
  admits,
  admitsModelCall,
  modelsOf,
  relayPolicy,
} from '../../../../lib/local-cloud/sandbox-host/relay-policy.ts';

const policy = relayPolicy(new URL('https://localhost:4566/_aws/execute-api/abc/v/'));
const API = '/_aws/execute-api/abc/v/v1';
const SIGNED = '?X-Amz-Signature=ab&X-Amz-Expires=60&x-id=GetObject';

it.each([
  ['POST', `${API}/claim`],
  ['POST', `${API}/complete`],
  ['GET', `/wflo-dev-data-artefacts-1/code/a.tar.gz${SIGNED}`],
  ['PUT', `/wflo-dev-data-artefacts-1/uploads/a${SIGNED}`],
])('admits %s %s', (method, target) => {
  expect(admits(policy, method, target)).toBe(true);
});

it.each([
  ['GET', `${API}/claim`],
  ['POST', `${API}/claim?x=1`],
  ['POST', `${API}/other`],
  ['POST', '/'],
  ['POST', '/_aws/execute-api/other/v/v1/claim'],
  ['GET', '/_ministack/health'],
  ['GET', '/wflo-dev-data-artefacts-1/code/a'],
  ['DELETE', `/wflo-dev-data-artefacts-1/code/a${SIGNED}`],
  ['GET', `/another-bucket/a${SIGNED}`],
  ['GET', `/wflo-dev-data-artefacts-1/${SIGNED}`],
  ['GET', `/wflo-dev-data-artefacts-1/a${SIGNED}&acl`],
  ['GET', `/wflo-dev-data-artefacts-1/../other/a${SIGNED}`],
  ['GET', `/wflo-dev-data-artefacts-1/%2e%2e/other/a${SIGNED}`],
  ['GET', `//wflo-dev-data-artefacts-1/a${SIGNED}`],
  ['GET', `http://169.254.169.254/artefacts/a${SIGNED}`],
])('refuses %s %s', (method, target) => {
  expect(admits(policy, method, target)).toBe(false);
});

describe('model calls', () => {
  const ARN = 'arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b';

  it.each([
    ['POST', '/models/openai/v1/chat/completions'],
    ['GET', '/models/openai/v1/models?limit=1'],
    ['POST', '/models/anthropic/v1/messages?beta=true'],
    ['POST', '/models/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
    ['POST', `/models/bedrock/model/${ARN}/converse-stream`],
  ])('admits %s %s', (method, target) => {
    expect(admitsModelCall('/models', method, target)).toBe(true);
    expect(admits(policy, method, target)).toBe(false);
  });

  it.each([
    ['DELETE', '/models/openai/v1/models'],
    ['PUT', '/models/openai/v1/models'],
    ['POST', '/models/openai'],
    ['POST', '/models/openai/'],
    ['POST', '/models/openai/?x'],
    ['POST', '/models/other/v1'],
    ['POST', '/models'],
    ['POST', '/openai/v1/models'],
    ['POST', '/other/models/openai/v1'],
    ['POST', '/models/openai/../../v1/claim'],
    ['POST', '/models/openai/%2e%2E/%2e%2e/v1/claim'],
    ['POST', '/models/openai/a%2f..%2f..%2f..%2fv1'],
    ['POST', '/models/openai/%2f%2fother'],
    ['POST', '/models/openai/%252e%252e/v1'],
    ['POST', '/models/openai//v1'],
    ['POST', '//models/openai/v1'],
    ['POST', '/models/openai/..\\v1'],
    ['POST', '/models/openai/..%5cv1'],
    ['POST', 'http://169.254.169.254/models/openai/v1'],
    ['POST', '/health'],
  ])('refuses %s %s', (method, target) => {
    expect(admitsModelCall('/models', method, target)).toBe(false);
  });

  it.each(['https://example.com/models', 'http://127.0.0.1/models', 'nonsense', ''])('are not for %j', (url) => {
    expect(() => modelsOf(url)).toThrow('not an address of this machine');
  });
});
