import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes the folder of the custom image `compiled`: its Dockerfile, and its agent compiled with the C compiler of this
 * machine, without shared libraries. The commands of the image are `agent` and `bash`.
 */
export async function prepareCompiledImage(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await cp(fileURLToPath(new URL('../images/compiled', import.meta.url)), folder, { recursive: true });
  await run('cc', ['-static', '-O2', '-Wall', '-Werror', '-o', join(folder, 'agent'), join(folder, 'agent.c')]);
  return folder;
}
