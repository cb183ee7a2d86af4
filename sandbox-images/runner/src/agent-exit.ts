import { constants } from 'node:os';
import { EXIT_CODE_OUT_OF_MEMORY, EXIT_CODE_TIMED_OUT, type Exit } from '../../../lib/sandbox/exit.ts';

/** What is known of an agent that has ended. */
export interface AgentEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Seconds of the time limit, where it was what ended the agent. */
  readonly timedOutAfter?: number;
  /** Why the runner was told to end the agent. */
  readonly stopped?: string;
  /** The kernel killed something in this container for its memory. */
  readonly outOfMemory: boolean;
}

export function exitOf(end: AgentEnd): Exit {
  if (end.timedOutAfter !== undefined) {
    return {
      reason: 'timed_out',
      code: EXIT_CODE_TIMED_OUT,
      message: `the agent ran into its time limit of ${end.timedOutAfter} s`,
    };
  }
  if (end.stopped !== undefined) {
    const signal = end.signal ?? 'SIGTERM';
    return { reason: 'killed', code: 128 + numberOf(signal), signal, message: end.stopped };
  }
  if (end.outOfMemory && (end.signal === 'SIGKILL' || end.code === EXIT_CODE_OUT_OF_MEMORY)) {
    return { reason: 'out_of_memory', code: EXIT_CODE_OUT_OF_MEMORY, message: 'the sandbox ran out of memory' };
  }
  if (end.signal !== null) {
    return {
      reason: 'killed',
      code: 128 + numberOf(end.signal),
      signal: end.signal,
      message: `the agent was killed by ${end.signal}`,
    };
  }
  if (end.code === 0) return { reason: 'ok', code: 0 };
  return { reason: 'agent_failed', code: end.code, message: `the agent ended with code ${end.code}` };
}

/** The command could not be started: 127 not found, 126 found but not executable, as a shell has it. */
export function exitOfSpawnError(command: string, error: unknown): Exit {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const shown = JSON.stringify(command);
  if (code === 'ENOENT') {
    return { reason: 'agent_failed', code: 127, message: `the command ${shown} was not found in this image` };
  }
  return { reason: 'agent_failed', code: 126, message: `the command ${shown} could not be started (${code})` };
}

function numberOf(signal: NodeJS.Signals): number {
  return constants.signals[signal] ?? 0;
}
