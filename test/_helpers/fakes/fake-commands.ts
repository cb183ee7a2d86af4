import type { CommandResult, RunCommand } from '../../../lib/local-cloud/run-command.ts';

export interface CommandCall {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Answers commands from a function, and keeps the calls. */
export function fakeCommands(answer: (call: CommandCall) => CommandResult | Promise<CommandResult>): {
  readonly run: RunCommand;
  readonly calls: readonly CommandCall[];
} {
  const calls: CommandCall[] = [];
  return {
    calls,
    run: async (file, args, { env }) => {
      const call = { file, args, env };
      calls.push(call);
      return answer(call);
    },
  };
}
