import { describe, expect, it } from 'vitest';
import { cdkEnvironment, localContext } from '../../../lib/local-cloud/deploy-local.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';

describe('the environment of a local deployment', () => {
  const environment = cdkEnvironment({
    projectDir: '/project',
    paths: localPaths('/project'),
    endpoint: 'https://localhost:14566',
    port: 14566,
    region: 'us-east-1',
    account: '000000000000',
    stage: 'dev',
    caFile: '/ca.pem',
    admin: { accessKeyId: 'test', secretAccessKey: 'test' },
    env: {
      PATH: '/usr/bin',
      HOME: '/home/me',
      AWS_PROFILE: 'production',
      AWS_SESSION_TOKEN: 'secret',
      AWS_ENDPOINT_URL_DYNAMODB: 'https://elsewhere',
      CDK_DEFAULT_ACCOUNT: '111111111111',
      HTTPS_PROXY: 'http://proxy',
      https_proxy: 'http://proxy',
    },
  });

  it('cannot reach a real account', () => {
    for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL_DYNAMODB', 'CDK_DEFAULT_ACCOUNT'])
      expect(environment).not.toHaveProperty(name);
    expect(environment.AWS_CONFIG_FILE).toMatch(/^\/project\/\.wflo\//);
    expect(environment.AWS_SHARED_CREDENTIALS_FILE).toMatch(/^\/project\/\.wflo\//);
  });

  it('leads to the emulator, past any proxy, and trusts its certificate', () => {
    expect(environment).toMatchObject({
      HOME: '/home/me',
      AWS_ENDPOINT_URL: 'https://localhost:14566',
      AWS_ENDPOINT_URL_S3: 'https://127.0.0.1:14566',
      AWS_CA_BUNDLE: '/ca.pem',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
    });
    expect(Object.keys(environment).filter((name) => /proxy/i.test(name))).toEqual([]);
  });

  it('comes with the context that the app needs for an emulator', () => {
    expect(localContext('https://localhost:1', 'dev')).toEqual({
      'wflo:stage': 'dev',
      'wflo:endpoint': 'https://localhost:1',
      'wflo:images': 'named',
    });
  });
});
