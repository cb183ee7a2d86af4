import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cdkEnvironment, localContext, localInputHash } from '../../../lib/local-cloud/deploy-local.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

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

describe('what is deployed', () => {
  const project = (prices: unknown): string => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cdk.json'), JSON.stringify({ context: { 'wflo:prices': prices } }));
    return folder;
  };
  const hashOf = (folder: string) => localInputHash(folder, 'https://localhost:1', 'dev');

  it('is out of date when the prices that the project names change, wherever they are', async () => {
    const folder = project('test/prices.json');
    mkdirSync(join(folder, 'test'));
    writeFileSync(join(folder, 'test/prices.json'), '{}');
    const before = await hashOf(folder);
    expect(await hashOf(folder)).toBe(before);
    writeFileSync(join(folder, 'test/prices.json'), '{"models":[]}');
    expect(await hashOf(folder)).not.toBe(before);
  });

  it('is nothing where the prices are no file of the project', async () => {
    await expect(hashOf(project('../prices.json'))).rejects.toMatchObject({ code: 'invalid_settings' });
  });
});
