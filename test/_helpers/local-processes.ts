import { readdirSync, readFileSync } from 'node:fs';

/** Processes in which the local AWS runs a function of ours. */
export function workersOf(functionName: string): readonly number[] {
  return processesWhere(({ environment }) => environment.includes(`AWS_LAMBDA_FUNCTION_NAME=${functionName}\0`));
}

/** The runner of a sandbox that the process driver runs; `about` is an execution id or a lease. */
export function runnersOf(about: string): readonly number[] {
  return processesWhere(
    ({ command, environment }) => command.includes('runner.mjs') && environment.includes(`=${about}\0`),
  );
}

function processesWhere(matches: (process: { command: string; environment: string }) => boolean): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return matches({ command, environment: readFileSync(`/proc/${pid}/environ`, 'utf8') });
      } catch {
        // It has ended, or belongs to somebody else.
        return false;
      }
    })
    .map(Number);
}

/** SIGKILL, as when its host dies: nothing is said to anybody. False where it has ended already. */
export function killAtOnce(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
