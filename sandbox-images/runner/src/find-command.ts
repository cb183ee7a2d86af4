import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** As the kernel and `execvp` name what is wrong with a command; undefined: it can be tried. */
export type CommandFault = 'ENOENT' | 'EACCES' | undefined;

/**
 * Looks for a command as the start of a program would, so that "not found" and "not executable" are known before
 * anything is started. What the runner cannot see (it may lack rights that the agent has) counts as findable.
 */
export async function faultOfCommand(command: string, searchPath: string, cwd: string): Promise<CommandFault> {
  if (command === '') return 'ENOENT';
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : searchPath.split(':').map((folder) => resolve(cwd, folder, command));
  let fault: CommandFault = 'ENOENT';
  for (const file of candidates) {
    try {
      const found = await stat(file);
      if (found.isFile() && (found.mode & 0o111) !== 0) return undefined;
      fault = 'EACCES';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') return undefined;
    }
  }
  return fault;
}
