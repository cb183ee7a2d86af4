import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../../lib/cli/commands/run.ts';
import { invocationOf } from '../../../lib/cli/invocation.ts';
import { connect, noTarget, targetFlags, targetOf } from '../../../lib/cli/target.ts';
import {
  localStateOf,
  personCredentials,
  readLocalState,
  writeLocalState,
} from '../../../lib/local-cloud/local-state.ts';

const target = (args: readonly string[], env: Record<string, string> = {}) =>
  targetOf(invocationOf(run, ['hello', ...args]), env);

describe('the target', () => {
  it.each([
    [[], {}, { kind: 'aws', stage: undefined }],
    [[], { WFLO_STAGE: 'prod' }, { kind: 'aws', stage: 'prod' }],
    [['--stage', 'qa'], { WFLO_STAGE: 'prod' }, { kind: 'aws', stage: 'qa' }],
    [['--local'], { WFLO_STAGE: 'prod' }, { kind: 'local' }],
    [[], { WFLO_TARGET: 'local' }, { kind: 'local' }],
    [[], { WFLO_TARGET: 'aws' }, { kind: 'aws', stage: undefined }],
    [['--local', '--as', 'ada'], {}, { kind: 'local', as: 'ada' }],
    [['--as', 'ada'], { WFLO_TARGET: 'local' }, { kind: 'local', as: 'ada' }],
    // A flag is nearer than the environment.
    [['--stage', 'qa'], { WFLO_TARGET: 'local' }, { kind: 'aws', stage: 'qa' }],
  ])('%j with %j', (args, env, expected) => {
    expect(target(args, env)).toEqual(expected);
  });

  it('is repeated in hints', () => {
    expect(targetFlags({ kind: 'local' })).toBe(' --local');
    expect(targetFlags({ kind: 'local', as: 'ada' })).toBe(' --local --as ada');
    expect(targetFlags({ kind: 'aws', stage: 'qa' })).toBe(' --stage qa');
    expect(targetFlags({ kind: 'aws', stage: undefined })).toBe('');
  });

  it('that was never started says how to start it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wflo-'));
    await expect(connect({ kind: 'local' }, folder)).rejects.toMatchObject({
      code: 'local_not_running',
      fix: expect.stringContaining('wflo local up'),
    });
    rmSync(folder, { recursive: true });
  });
});

describe('a person of the local AWS', () => {
  const state = localStateOf({
    endpoint: 'https://localhost:14566',
    port: 14566,
    region: 'us-east-1',
    account: '000000000000',
    stage: 'dev',
    caFile: '/ca.pem',
    emulatorVersion: '1.5.33',
    emulator: null,
    sandboxHost: null,
    credentials: { operator: null, admin: { accessKeyId: 'test', secretAccessKey: 'test' } },
    deployed: null,
  });
  const keys = (name: string) => ({ accessKeyId: `key-${name}`, secretAccessKey: `secret-${name}` });

  it('signs with its own keys, which are kept in .wflo/local.json', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wflo-'));
    await writeLocalState(folder, { ...state, people: { ada: keys('ada'), bob: keys('bob') } });
    const read = await readLocalState(folder);
    rmSync(folder, { recursive: true });
    expect(personCredentials(read ?? state, 'bob')).toEqual(keys('bob'));
  });

  it('that there is not names those that there are', () => {
    const people = { bob: keys('bob'), ada: keys('ada') };
    for (const personId of ['eve', 'constructor']) {
      expect(() => personCredentials({ people }, personId)).toThrow(
        expect.objectContaining({ code: 'unknown_person', fix: 'use one of: ada, bob' }),
      );
    }
    expect(() => personCredentials(state, 'ada')).toThrow(
      expect.objectContaining({ code: 'unknown_person', fix: expect.stringContaining('wflo local up') }),
    );
  });
});

describe('why no deployment was found', () => {
  const named = (name: string, message = 'no') => Object.assign(new Error(message), { name });
  it.each([
    [named('ParameterNotFound'), 'wflo deploy --stage prod'],
    [named('CredentialsProviderError'), 'aws sso login'],
    [named('ExpiredTokenException'), 'aws sso login'],
    [named('Error', 'Region is missing'), 'AWS_REGION'],
    [named('AccessDeniedException'), 'ssm:GetParameter'],
    [named('TimeoutError'), 'network'],
  ])('%s', (error, fix) => {
    expect(noTarget(error, 'prod', '/wflo/prod/control-api-url')).toMatchObject({
      code: 'no_target',
      fix: expect.stringContaining(fix),
    });
  });
});
