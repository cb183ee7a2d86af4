import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withLocalLock } from '../../../lib/local-cloud/local-lock.ts';
import { localPaths } from '../../../lib/local-cloud/paths.ts';
import { FakeProcesses } from '../../_helpers/fakes/fake-processes.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const OTHER = { pid: 4242, startedIdentity: 'boot:7' };

function heldBy(text: string): string {
  const project = temporaryFolder();
  const paths = localPaths(project);
  mkdirSync(paths.root);
  writeFileSync(paths.lockFile, text);
  return project;
}

function thisProcess(): FakeProcesses {
  return new FakeProcesses().start(process.pid, 'boot:1');
}

describe('the lock of the local AWS', () => {
  it('lets one command at a time work, and all of them in the end', async () => {
    const project = temporaryFolder();
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside++;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLocalLock(project, work)));
    expect(most).toBe(1);
  });

  it('is free again after work that failed', async () => {
    const project = temporaryFolder();
    await expect(withLocalLock(project, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLocalLock(project, async () => 'worked', { waitMs: 0 })).toBe('worked');
  });

  it('of a living holder is waited for, told once, and then refused with who holds it', async () => {
    const project = heldBy(JSON.stringify(OTHER));
    const processes = thisProcess().start(OTHER.pid, OTHER.startedIdentity);
    const waited: number[] = [];
    await expect(
      withLocalLock(project, async () => 'worked', { waitMs: 250, processes, onWait: (pid) => waited.push(pid) }),
    ).rejects.toMatchObject({ code: 'local_locked', message: expect.stringContaining('4242') });
    expect(waited).toEqual([4242]);
    expect(JSON.parse(readFileSync(localPaths(project).lockFile, 'utf8'))).toEqual(OTHER);
  });

  it.each([
    ['of a dead holder', JSON.stringify(OTHER), thisProcess()],
    ['of a holder whose pid is now another process', JSON.stringify(OTHER), thisProcess().start(OTHER.pid, 'boot:8')],
    ['that cannot be read', 'garbage', thisProcess()],
  ])('%s is taken over', async (_which, text, processes) => {
    const project = heldBy(text);
    expect(await withLocalLock(project, async () => 'worked', { waitMs: 0, processes })).toBe('worked');
  });
});
