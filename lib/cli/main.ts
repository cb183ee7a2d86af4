import { readFile } from 'node:fs/promises';
import { type ErrorCode, WfloError } from '../errors.ts';
import type { Command, Context } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';
import { invocationOf, requestOf } from './invocation.ts';
import { readNetworkMode } from './network-mode.ts';
import { createOutput, type Output, type OutputStream } from './output.ts';
import { connect } from './target.ts';

/** What the process gives to the command line. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string | undefined };
  readonly projectDir: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly signal: AbortSignal;
  /** Instead of the deployment that the target names. */
  readonly connect?: Context['connect'];
  /** Instead of the parameter of that deployment. */
  readonly networkMode?: Context['networkMode'];
}

/** 0 done, 1 failed, 2 wrong command line, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** Runs one command line. Never throws: an error is told on stderr and in the exit code. */
export async function main(line: CommandLine): Promise<ExitCode> {
  const { args, env, projectDir, stdout, stderr, signal } = line;
  const end = args.indexOf('--');
  const format = (end === -1 ? args : args.slice(0, end)).includes('--json') ? 'json' : 'text';
  const output = createOutput({ format, stdout, stderr, env });
  try {
    const request = requestOf(args, COMMANDS);
    if (request.kind === 'help') showHelp(request.topic, createOutput({ format: 'text', stdout, stderr, env }));
    else if (request.kind === 'version') await showVersion(output);
    else {
      const context: Context = {
        output,
        env,
        projectDir,
        signal,
        connect: line.connect ?? ((target) => connect(target, projectDir)),
        networkMode: line.networkMode ?? ((target) => readNetworkMode(target, projectDir)),
      };
      await request.command.run(invocationOf(request.command, request.args), context);
    }
    return 0;
  } catch (error) {
    if (signal.aborted && isInterruption(error)) return 130;
    output.error(told(error, env));
    return WfloError.is(error) && error.code === 'usage' ? 2 : 1;
  }
}

const INTERRUPTIBLE: readonly ErrorCode[] = ['deploy_failed', 'destroy_failed', 'local_setup_failed'];

/** Ctrl-C also ends the programs that a command has started, and their failure is no news then. */
function isInterruption(error: unknown): boolean {
  if (WfloError.is(error)) return INTERRUPTIBLE.includes(error.code);
  return error instanceof Error && error.name === 'AbortError';
}

function showHelp(topic: readonly string[], output: Output): void {
  const name = topic.join(' ');
  const command: Command | undefined = COMMANDS.find((one) => one.name === name);
  const lines =
    command === undefined
      ? overview(COMMANDS, name === '' ? undefined : name, output.style)
      : commandHelp(command, output.style);
  output.result(undefined, () => lines);
}

async function showVersion(output: Output): Promise<void> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { readonly version: string };
  output.result({ version }, () => [version]);
}

/** What was not foreseen keeps its stack where `WFLO_DEBUG` is set. */
function told(error: unknown, env: CommandLine['env']): unknown {
  if (WfloError.is(error)) return error;
  const text = error instanceof Error ? ((env.WFLO_DEBUG ? error.stack : undefined) ?? error.message) : String(error);
  return new WfloError('internal', text, {
    ...(env.WFLO_DEBUG ? {} : { fix: 'run it again with WFLO_DEBUG=1 to see where it comes from, and report it' }),
    cause: error,
  });
}
