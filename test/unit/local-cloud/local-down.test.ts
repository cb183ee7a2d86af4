import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startInBackground } from '../../../lib/local-cloud/background-process.ts';
import { localDown } from '../../../lib/local-cloud/local-down.ts';
import { localUp } from '../../../lib/local-cloud/local-up.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';
import { isAlive } from '../../../lib/local-cloud/process-identity.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const report = () => {};

describe('local down', () => {
  it('is no error where nothing runs', async () => {
    const projectDir = temporaryFolder();
    expect(await localDown({ projectDir, report })).toEqual({
      emulator: 'not_running',
      sandboxHost: 'not_running',
      gateway: 'not_running',
    });
  });

  it('stops what runs also where local.json is corrupt, and leaves that file as it is', async () => {
    const projectDir = temporaryFolder();
    const paths = localPaths(projectDir);
    mkdirSync(dirname(paths.stateFile), { recursive: true });
    writeFileSync(paths.stateFile, '{"schema":1,');
    const emulator = await startInBackground({
      file: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      cwd: projectDir,
      env: {},
      logFile: paths.emulatorLog,
      pidFile: paths.emulatorPid,
    });
    expect(isAlive(emulator)).toBe(true);
    expect(await localDown({ projectDir, report })).toMatchObject({ emulator: 'stopped' });
    expect(isAlive(emulator)).toBe(false);
    expect(existsSync(paths.stateFile)).toBe(true);
  });
});

describe('local up', () => {
  it('leaves a folder alone that is no project', async () => {
    const projectDir = temporaryFolder();
    await expect(localUp({ projectDir, report })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(projectDir),
    });
    expect(existsSync(localPaths(projectDir).root)).toBe(false);
  });
});
