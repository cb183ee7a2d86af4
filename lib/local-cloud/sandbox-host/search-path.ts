import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findPython } from '../python.ts';

/** As in the images; `bin` of the host comes first. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Makes a folder with the commands that the images have: `node`, and `python` and `python3` where this machine has a
 * Python. Returns the search path of agents.
 */
export async function makeSearchPath(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await symlink(process.execPath, join(folder, 'node'));
  const python = await findPython(env).catch(() => undefined);
  if (python !== undefined) {
    for (const name of ['python', 'python3']) await symlink(python.executable, join(folder, name));
  }
  return `${folder}:${SYSTEM_PATH}`;
}
