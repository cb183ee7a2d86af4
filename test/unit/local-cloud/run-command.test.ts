import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastLines, runCommand } from '../../../lib/local-cloud/run-command.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const node = (script: string, options: { readonly timeoutMs?: number; readonly logFile?: string } = {}) =>
  runCommand(process.execPath, ['-e', script], { env: {}, ...options });

describe('running a command', () => {
  it('answers with its exit code and both outputs, which are in the log as well', async () => {
    const logFile = join(temporaryFolder(), 'command.log');
    const result = await node("console.log('out'); console.error('err'); process.exitCode = 3", { logFile });
    expect(result).toEqual({ exitCode: 3, output: expect.stringMatching(/out\n/) });
    expect(result.output).toContain('err\n');
    expect(readFileSync(logFile, 'utf8')).toBe(result.output);
  });

  it('ends one that takes too long', async () => {
    expect(await node("console.log('begun'); setInterval(() => {}, 1000)", { timeoutMs: 500 })).toMatchObject({
      exitCode: null,
      timedOut: true,
    });
  });

  it('answers for a program that does not exist', async () => {
    expect(await runCommand('/nonexistent/program', [], { env: {} })).toEqual({
      exitCode: null,
      output: expect.stringContaining('ENOENT'),
    });
  });

  it('has the last lines that say something', () => {
    expect(lastLines('a\n\nb  \r\n\nc\n\n', 2)).toEqual(['b', 'c']);
  });
});
