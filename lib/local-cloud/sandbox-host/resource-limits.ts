import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Open files of each process of a sandbox. */
export const OPEN_FILES = 4096;

/** The start of a command line that limits what follows, or an empty one where `prlimit` cannot. */
export async function resourceLimits(): Promise<readonly string[]> {
  const command = ['prlimit', '--core=0', `--nofile=${OPEN_FILES}`];
  const [file = '', ...parameters] = command;
  try {
    await run(file, [...parameters, 'true']);
    return command;
  } catch {
    return [];
  }
}
