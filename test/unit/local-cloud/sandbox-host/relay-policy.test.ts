import { expect, it } from 'vitest';
import { admits, relayPolicy } from '../../../../lib/local-cloud/sandbox-host/relay-policy.ts';

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
