import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type LocalState,
  localStateOf,
  readLocalState,
  writeLocalState,
} from '../../../lib/local-cloud/local-state.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';
import { requireRunning } from '../../../lib/local-cloud/require-running.ts';
import { FakeProcesses } from '../../_helpers/fakes/fake-processes.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

function state(changes: Partial<LocalState> = {}): LocalState {
  return {
    ...localStateOf({
      endpoint: 'https://localhost:14566',
      port: 14566,
      region: 'us-east-1',
      account: '000000000000',
      stage: 'dev',
      caFile: '/ca.pem',
      emulatorVersion: '1.5.33',
      emulator: { pid: 41, startedIdentity: 'boot:1', startedAt: '2026-01-01T00:00:00.000Z', logFile: '/none.log' },
      sandboxHost: null,
      credentials: { operator: null, admin: { accessKeyId: 'test', secretAccessKey: 'test' } },
      deployed: null,
    }),
    ...changes,
  };
}

describe('.wflo/local.json', () => {
  it('comes back as it was written, readable by its owner alone, with nothing left beside it', async () => {
    const project = temporaryFolder();
    expect(await readLocalState(project)).toBeUndefined();
    await writeLocalState(project, state());
    await writeLocalState(project, state({ stage: 'other' }));
    expect(await readLocalState(project)).toEqual(state({ stage: 'other' }));
    expect(statSync(localPaths(project).stateFile).mode & 0o777).toBe(0o600);
    expect(readdirSync(localPaths(project).root)).toEqual(['local.json']);
  });

  it.each([
    ['half a document', '{"schema": 1'],
    ['another schema', JSON.stringify({ ...state(), schema: 2 })],
    ['a missing field', JSON.stringify({ ...state(), caFile: undefined })],
    ['a list', '[]'],
  ])('with %s is local_state_corrupt, names the file and leads out', async (_what, text) => {
    const project = temporaryFolder();
    const { root, stateFile } = localPaths(project);
    mkdirSync(root);
    writeFileSync(stateFile, text);
    await expect(readLocalState(project)).rejects.toMatchObject({
      code: 'local_state_corrupt',
      message: expect.stringContaining(stateFile),
      fix: expect.stringContaining('wflo local reset'),
    });
  });
});

describe('a command that needs the local AWS', () => {
  const running = () => new FakeProcesses().start(41, 'boot:1');

  it('gets its state while it runs', async () => {
    const project = temporaryFolder();
    await writeLocalState(project, state());
    expect(await requireRunning(project, running())).toEqual(state());
  });

  it('is refused as local_not_running where it was never started, or stopped', async () => {
    const project = temporaryFolder();
    await expect(requireRunning(project, running())).rejects.toMatchObject({ code: 'local_not_running' });
    await writeLocalState(project, state({ emulator: null }));
    await expect(requireRunning(project, running())).rejects.toMatchObject({ code: 'local_not_running' });
  });

  it('is refused as local_died with the end of the log where the emulator has ended', async () => {
    const project = temporaryFolder();
    const logFile = `${project}/emulator.log`;
    writeFileSync(logFile, `${'early\n'.repeat(30)}out of memory\n`);
    const emulator = { pid: 41, startedIdentity: 'boot:1', startedAt: '', logFile };
    await writeLocalState(project, state({ emulator }));
    await expect(requireRunning(project, new FakeProcesses())).rejects.toMatchObject({
      code: 'local_died',
      message: expect.stringContaining(logFile),
      details: { lines: expect.arrayContaining(['out of memory']) },
    });
  });

  it('is refused as local_died where the sandbox host has ended', async () => {
    const project = temporaryFolder();
    const sandboxHost = {
      pid: 42,
      startedIdentity: 'boot:2',
      startedAt: '',
      logFile: '/none.log',
      statusFile: '/none',
    };
    await writeLocalState(project, state({ sandboxHost }));
    await expect(requireRunning(project, running())).rejects.toMatchObject({
      code: 'local_died',
      message: expect.stringContaining('sandbox host'),
    });
  });
});
