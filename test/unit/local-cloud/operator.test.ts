import { describe, expect, it } from 'vitest';
import { stageParametersOf } from '../../../lib/local-cloud/deployment-parameters.ts';
import { apiIdOf, operatorPolicy } from '../../../lib/local-cloud/operator.ts';

const controlApiUrl = 'https://localhost:14566/_aws/execute-api/abc123/v1';

describe('the operator of the local AWS', () => {
  it('may call this control API and read the parameters of its stage, and nothing else', () => {
    expect(operatorPolicy({ region: 'us-east-1', account: '000000000000', stage: 'dev', controlApiUrl })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'execute-api:Invoke',
          Resource: 'arn:aws:execute-api:us-east-1:000000000000:abc123/*',
        },
        {
          Effect: 'Allow',
          Action: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
          Resource: [
            'arn:aws:ssm:us-east-1:000000000000:parameter/wflo/dev',
            'arn:aws:ssm:us-east-1:000000000000:parameter/wflo/dev/*',
          ],
        },
      ],
    });
  });

  it('gets no policy for a URL whose API is not known', () => {
    expect(() => apiIdOf('https://example.com/v1')).toThrow('https://example.com/v1');
  });
});

describe('the parameters of a stage', () => {
  it('tell the control API and the workflows, sorted', () => {
    const found = new Map([
      ['/wflo/dev/workflows/b', 'arn:b'],
      ['/wflo/dev/control-api-url', controlApiUrl],
      ['/wflo/dev/workflows/a', 'arn:a'],
      ['/wflo/dev/network-mode', 'open'],
    ]);
    expect(stageParametersOf(found, '/wflo/dev/')).toEqual({ controlApiUrl, workflows: ['a', 'b'] });
    expect(stageParametersOf(new Map(), '/wflo/dev/')).toEqual({ controlApiUrl: null, workflows: [] });
  });
});
