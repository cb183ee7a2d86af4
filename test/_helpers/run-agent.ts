import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface AgentRun {
  readonly output: unknown;
  readonly stdout: string;
}

/** Runs an agent as a sandbox does: its folder as working directory, input and output as files. Rejects when it fails. */
export async function runAgent(
  folder: string,
  command: readonly [string, ...string[]],
  input: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<AgentRun> {
  const scratch = await mkdtemp(join(tmpdir(), 'wflo-agent-'));
  try {
    const files = { WFLO_INPUT: join(scratch, 'input.json'), WFLO_OUTPUT: join(scratch, 'output.json') };
    await writeFile(files.WFLO_INPUT, JSON.stringify(input));
    const [program, ...args] = command;
    const env = { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1', ...more, ...files };
    const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env });
    return { output: JSON.parse(await readFile(files.WFLO_OUTPUT, 'utf8')), stdout };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
