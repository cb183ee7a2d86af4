import { WfloError } from '../errors.ts';
import { lastLogLines } from './background-process.ts';
import { type LocalState, readLocalState } from './local-state.ts';
import { isAlive, type ProcessTable, systemProcesses } from './process-identity.ts';

/**
 * The local AWS that a command with `--local` talks to. Throws `local_not_running`, or `local_died` with the end of
 * the log where it should be running and is not; `local_state_corrupt` as `readLocalState` does.
 */
export async function requireRunning(
  projectDir: string,
  processes: ProcessTable = systemProcesses,
): Promise<LocalState> {
  const state = await readLocalState(projectDir);
  if (state === undefined || state.emulator === null)
    throw new WfloError('local_not_running', 'the local AWS is not running', { fix: 'Run `wflo local up`.' });
  if (!isAlive(state.emulator, processes)) throw await died('the local AWS', state.emulator.logFile);
  if (state.sandboxHost !== null && !isAlive(state.sandboxHost, processes))
    throw await died('the sandbox host of the local AWS', state.sandboxHost.logFile);
  if (state.gateway != null && !isAlive(state.gateway, processes))
    throw await died('the gateway of the local AWS', state.gateway.logFile);
  return state;
}

async function died(what: string, logFile: string): Promise<WfloError> {
  const lines = await lastLogLines(logFile);
  return new WfloError('local_died', `${what} ended unexpectedly; the end of ${logFile}:\n${lines.join('\n')}`, {
    fix: 'Run `wflo local up`.',
    details: { logFile, lines },
  });
}
