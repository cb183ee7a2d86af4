import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export interface CommandResult {
  /** Null where the process was ended by a signal or could not be started. */
  readonly exitCode: number | null;
  /** stdout and stderr as they came. */
  readonly output: string;
  /** It was killed because it took longer than `timeoutMs`. */
  readonly timedOut?: boolean;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Also written here, appended. */
  readonly logFile?: string;
}

/** Runs a program to its end and keeps what it prints. A program that cannot be started is a result, not an error. */
export type RunCommand = (file: string, args: readonly string[], options: CommandOptions) => Promise<CommandResult>;

export const runCommand: RunCommand = async (file, args, options) => {
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
  const chunks: Buffer[] = [];
  const ended = await new Promise<{ exitCode: number | null; timedOut: boolean }>((resolve) => {
    const child = spawn(file, args, {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      log?.write(chunk);
    };
    const end = (exitCode: number | null, timedOut: boolean) => {
      clearTimeout(timer);
      // Processes of its own that it left behind may hold these open.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ exitCode, timedOut });
    };
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            child.kill('SIGKILL');
            end(null, true);
          }, options.timeoutMs);
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => {
      take(Buffer.from(`${error.message}\n`));
      end(null, false);
    });
    child.once('close', (code) => end(code, false));
  });
  if (log !== undefined) {
    log.end();
    await finished(log);
  }
  return {
    exitCode: ended.exitCode,
    output: Buffer.concat(chunks).toString('utf8'),
    ...(ended.timedOut ? { timedOut: true } : {}),
  };
};

/** The last lines that say something, oldest first. */
export function lastLines(text: string, count: number): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}
