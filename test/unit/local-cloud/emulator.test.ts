import { describe, expect, it } from 'vitest';
import { emulatorEnvironment } from '../../../lib/local-cloud/emulator.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';

describe('the environment of the emulator', () => {
  const paths = localPaths('/project');
  const environment = emulatorEnvironment(paths, 14566, '/usr/bin');

  it('holds nothing of the user but the search path, since every function inherits it', () => {
    expect(Object.keys(environment).sort()).toEqual([
      'AUTH',
      'AWS_DEFAULT_REGION',
      'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
      'BIND_HOST',
      'DOCKER_HOST',
      'GATEWAY_PORT',
      'HOME',
      'IOT_MTLS_ENABLED',
      'LANG',
      'PATH',
      'PERSIST_STATE',
      'PYTHONUNBUFFERED',
      'S3_DATA_DIR',
      'S3_PERSIST',
      'STATE_DIR',
      'TMPDIR',
      'USE_SSL',
    ]);
  });

  it('has calls recorded only where a test asks for it', () => {
    expect(environment).not.toHaveProperty('WFLO_RECORD_CALLS');
    expect(emulatorEnvironment(paths, 14566, '/usr/bin', '/calls.jsonl').WFLO_RECORD_CALLS).toBe('/calls.jsonl');
  });

  it('keeps it on loopback with IAM and TLS, its files below .wflo, and away from Docker', () => {
    expect(environment).toMatchObject({
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: '14566',
      AUTH: 'true',
      USE_SSL: '1',
      IOT_MTLS_ENABLED: '0',
      PERSIST_STATE: '1',
      S3_PERSIST: '1',
    });
    for (const name of ['HOME', 'TMPDIR', 'STATE_DIR', 'S3_DATA_DIR'])
      expect(environment[name]).toMatch(/^\/project\/\.wflo\/cloud\//);
    expect(environment.DOCKER_HOST).toMatch(/^unix:\/\/\/project\/\.wflo\//);
  });

  it('puts the running Node before any other', () => {
    expect(environment.PATH).toBe('/project/.wflo/cloud/bin:/usr/bin');
  });
});
