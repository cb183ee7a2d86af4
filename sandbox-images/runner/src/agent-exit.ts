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

/** Signals that the kernel sends at a limit of the agent's process. */
const LIMIT_SIGNALS: { readonly [signal: string]: string } = {
  SIGXCPU: 'it used more CPU time than its time limit can hold',
  SIGXFSZ: 'it wrote a file beyond the size limit',
};

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
      message: `the agent was killed by ${end.signal}${becauseOf(end)}`,
    };
  }
  if (end.code === 0) return { reason: 'ok', code: 0 };
  return { reason: 'agent_failed', code: end.code, message: `the agent ended with code ${end.code}${becauseOf(end)}` };
}

/**
 * The gateway refused a model call, and with it the rest of the step, however the agent took it. An agent whose
 * processes could not be ended stays one.
 */
export function exitOfBudget(exit: Exit, message: string): Exit {
  if (exit.reason === 'runner_error') return exit;
  // An agent that was quicker than the signal has not ended well for that.
  return { reason: 'budget_exceeded', code: exit.code || 128 + numberOf('SIGTERM'), message };
}

function becauseOf(end: AgentEnd): string {
  const limit = end.signal === null ? undefined : LIMIT_SIGNALS[end.signal];
  if (limit !== undefined) return `: ${limit}`;
  return end.outOfMemory ? ', after the kernel killed one of its processes for memory' : '';
}

/** The command could not be started: 127 not found, 126 found but not executable, as a shell has it. */
export function exitOfSpawnError(command: string, error: unknown): Exit {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
  const shown = JSON.stringify(command);
  if (code === 'ENOENT') {
    return { reason: 'agent_failed', code: 127, message: `the command ${shown} was not found in this image` };
  }
  return { reason: 'agent_failed', code: 126, message: `the command ${shown} could not be started (${code})` };
}

/**
 * The program that was to become the agent says that it could not: the file is there and executable, but its
 * interpreter is missing or it is of another architecture. Undefined: the agent has run. An agent could say the same
 * of itself, which gains it nothing: reason and code are those that it ended with.
 */
export function exitOfFailedStart(startedBy: string, command: string, end: AgentEnd, said: string): Exit | undefined {
  if (end.code !== 126 && end.code !== 127) return undefined;
  const lines = said.trimEnd().split('\n');
  if (lines.length !== 1 || !lines[0]?.startsWith(`${startedBy}: `)) return undefined;
  const detail = lines[0].slice(lines[0].lastIndexOf(': ') + 2);
  const message = `the command ${JSON.stringify(command)} could not be started (${detail})`;
  return { reason: 'agent_failed', code: end.code, message };
}

function numberOf(signal: NodeJS.Signals): number {
  return constants.signals[signal] ?? 0;
}
