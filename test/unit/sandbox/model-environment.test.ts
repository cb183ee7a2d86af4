import { expect, it } from 'vitest';
import { MODEL_VARIABLES, modelEnvironment } from '../../../lib/sandbox/model-environment.ts';

it('the variables lead every SDK to the proxy, with a placeholder for a key and no access key', () => {
  expect(
    modelEnvironment({
      url: 'http://127.0.0.1:1/secret',
      secureUrl: 'https://127.0.0.1:1/secret',
      certificateFile: '/w/models.pem',
    }),
  ).toEqual({
    OPENAI_BASE_URL: 'http://127.0.0.1:1/secret/openai/v1',
    OPENAI_API_KEY: 'wflo',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/secret/anthropic',
    ANTHROPIC_API_KEY: 'wflo',
    GOOGLE_GEMINI_BASE_URL: 'http://127.0.0.1:1/secret/gemini',
    GEMINI_API_KEY: 'wflo',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://127.0.0.1:1/secret/bedrock',
    AWS_BEARER_TOKEN_BEDROCK: 'wflo',
    AWS_CA_BUNDLE: '/w/models.pem',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
});

it('a step may declare none of them', () => {
  const free = Object.keys(modelEnvironment({ url: '', secureUrl: '', certificateFile: '' })).filter(
    (name) => !MODEL_VARIABLES.includes(name) && !name.startsWith('AWS_'),
  );
  expect(free).toEqual([]);
});
