import { describe, expect, it } from 'vitest';
import { WfloError } from '../../../lib/errors.ts';
import type { Isolation, LocalStatus } from '../../../lib/local-cloud/contract.ts';
import { checkIsolation, checkLocal, checkNode, diskCheck, doctor } from '../../../lib/local-cloud/doctor.ts';
import { deployedCheck, unusableCheck } from '../../../lib/local-cloud/doctor-cloud.ts';
import { fakeCommands } from '../../_helpers/fakes/fake-commands.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

function status(changes: Partial<LocalStatus> = {}): LocalStatus {
  const running = { alive: true, pid: 1, startedAt: '', logFile: '/logs/x.log' };
  return {
    condition: 'running',
    endpoint: 'https://localhost:14566',
    controlApiUrl: null,
    stage: 'dev',
    emulator: running,
    sandboxHost: running,
    gateway: running,
    modelsUrl: 'http://127.0.0.1:14567/models',
    versions: { wflo: '0', node: '0', emulator: '0', cdk: '0' },
    workflows: [],
    deployedAt: null,
    deployOutdated: false,
    isolation: null,
    differsFromAws: [],
    ...changes,
  };
}

describe('doctor', () => {
  it('fails for an old Node only', () => {
    expect(checkNode('20.19.0').level).toBe('ok');
    expect(checkNode('24.1.0').level).toBe('ok');
    expect(checkNode('20.18.9')).toMatchObject({ level: 'fail', fix: expect.stringContaining('20.19') });
  });

  it('warns for a narrow disk, and fails for a full one', () => {
    expect(diskCheck(50e9).level).toBe('ok');
    expect(diskCheck(1e9).level).toBe('warn');
    expect(diskCheck(1e8).level).toBe('fail');
  });

  it('finds a local AWS that has died, lost its sandbox host, or is behind the project', () => {
    const dead = { alive: false, pid: 1, startedAt: '', logFile: '/logs/x.log' };
    expect(checkLocal(status()).level).toBe('ok');
    expect(checkLocal(status({ condition: 'none' })).level).toBe('ok');
    expect(checkLocal(status({ condition: 'stopped' })).level).toBe('ok');
    expect(checkLocal(status({ condition: 'died' })).level).toBe('fail');
    expect(checkLocal(status({ sandboxHost: dead })).level).toBe('fail');
    expect(checkLocal(status({ gateway: dead })).level).toBe('fail');
    expect(checkLocal(status({ deployOutdated: true })).level).toBe('warn');
    expect(checkLocal(new WfloError('local_state_corrupt', 'x', { fix: 'reset' }))).toMatchObject({
      level: 'fail',
      fix: 'reset',
    });
  });

  it('names every property of a sandbox that is not enforced', () => {
    const property = { property: 'memory limit', enforced: false, detail: 'no cgroup' };
    const isolation: Isolation = {
      driver: 'process',
      properties: [property, { ...property, property: 'user', enforced: true }],
    };
    expect(checkIsolation(status({ isolation }))).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('1 of 2'),
      details: ['memory limit: no cgroup'],
      fix: expect.stringContaining('--driver docker'),
    });
    const full = checkIsolation(status({ isolation: { driver: 'docker', properties: [property] } }));
    expect(full).toMatchObject({ level: 'warn', fix: expect.not.stringContaining('--driver') });
    expect(checkIsolation(status({ isolation: { driver: 'docker', properties: [] } })).level).toBe('ok');
  });

  it('says that egress is not filtered in the network mode `open`', () => {
    expect(deployedCheck('dev', 'eu-west-1', 'https://x', 'open')).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('egress'),
    });
    expect(deployedCheck('dev', 'eu-west-1', 'https://x', 'private').level).toBe('ok');
    expect(deployedCheck('dev', 'eu-west-1', undefined, undefined).level).toBe('ok');
  });

  it('never fails for a cloud account that is not set up', () => {
    const named = (name: string) => Object.assign(new Error('x'), { name });
    for (const error of [
      new Error('Region is missing'),
      named('CredentialsProviderError'),
      named('TimeoutError'),
      named('AccessDenied'),
    ])
      expect(unusableCheck(error)).toMatchObject({ level: 'warn', fix: expect.stringMatching(/\S/) });
  });

  it('answers for an empty machine, with a fix for everything that is not ok', async () => {
    const cloudTarget = async () => unusableCheck(new Error('Region is missing'));
    const { run } = fakeCommands(() => ({ exitCode: null, output: 'not found' }));
    const { ok, checks } = await doctor(
      { projectDir: temporaryFolder(), env: { PATH: '/nonexistent' } },
      { run, cloudTarget },
    );
    expect(ok).toBe(false);
    expect(checks.filter(({ level }) => level === 'fail').map(({ name }) => name)).toEqual(['python', 'openssl']);
    expect(checks.find(({ name }) => name === 'docker')).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/`wflo deploy`.*`wflo local up --driver docker`/),
      fix: expect.stringContaining('driver `process`'),
    });
    for (const { level, fix } of checks) if (level !== 'ok') expect(fix).toMatch(/\S/);
  });
});
