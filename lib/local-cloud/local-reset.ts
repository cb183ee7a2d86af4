import { rm, stat } from 'node:fs/promises';
import type { LocalOptions, LocalResetResult } from './contract.ts';
import { stopProcesses } from './local-down.ts';
import { withLocalLock } from './local-lock.ts';
import { localPaths } from './paths.ts';
import { inPhase } from './progress.ts';

/** Stops everything and deletes the state, also where `local.json` is corrupt. The installed emulator and the logs stay. */
export function localReset(options: LocalOptions): Promise<LocalResetResult> {
  const { projectDir, report } = options;
  const paths = localPaths(projectDir);
  return withLocalLock(projectDir, async () => {
    const down = await stopProcesses(paths, report, false);
    const deleted = await inPhase(report, 'reset', 'Deleting the state of the local AWS', async () => {
      const present: string[] = [];
      for (const path of [paths.stateFile, paths.cloud]) {
        if ((await stat(path).catch(() => undefined)) === undefined) continue;
        await rm(path, { recursive: true, force: true });
        present.push(path);
      }
      return present;
    });
    return { ...down, deleted };
  });
}
