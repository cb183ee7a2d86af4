import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandLine } from '../../../lib/cli/main.ts';
import { noTarget } from '../../../lib/cli/target.ts';
import type { ExecutionView } from '../../../lib/client/api.ts';
import { anAttempt, anExecution } from '../../_helpers/fakes/records.ts';
import { cli, deployment, recordedStream } from './cli-harness.ts';

const input = '{"table":"orders","days":30}';
let on: Awaited<ReturnType<typeof deployment>>;
beforeEach(async () => {
  on = await deployment();
});
afterEach(() => on.server.close());

const wflo = (args: readonly string[], options: Partial<CommandLine> = {}) =>
  cli(args, { connect: on.connect, ...options });

/** Lets an execution come to its end once it was asked for this often. */
function endsAfter(looks: number, fields: Parameters<typeof anExecution>[0]) {
  const { executions } = on.api;
  const read = executions.getExecution.bind(executions);
  let count = 0;
  executions.getExecution = async (id) => {
    count += 1;
    const record = await read(id);
    if (record !== undefined && count > looks) executions.seed({ executions: [{ ...record, ...fields }] });
    return read(id);
  };
}

describe('run', () => {
  it('starts and tells the id', async () => {
    const ran = await wflo(['run', 'report', '--input', input, '--name', 'one', '--local']);
    expect(ran).toEqual({
      code: 0,
      stdout: 'started report:one\n',
      stderr: 'watch it: wflo status report:one --follow --local\n',
    });
    const throughNpx = await wflo(['run', 'report', '--input', input], { env: { npm_command: 'exec' } });
    expect(throughNpx.stderr).toMatch(/^watch it: npx wflo status report:/);
    const again = await wflo(['run', 'report', '--input', input, '--name', 'one']);
    expect(again.stdout).toBe('report:one exists already: starting\n');
  });

  it('takes the input from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wflo-'));
    writeFileSync(join(folder, 'input.json'), `\uFEFF${input}\n`);
    const { code } = await wflo(['run', 'report', '--input', '@input.json'], { projectDir: folder });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
    expect(JSON.parse(on.server.seen[0]?.body ?? '')).toMatchObject({ input: JSON.parse(input) });
  });

  it('tells the place in a file that is not JSON, and nothing of quoting for a shell', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wflo-'));
    writeFileSync(join(folder, 'input.json'), '{"days": tru}');
    const { code, stderr } = await wflo(['run', 'report', '--input', '@input.json'], { projectDir: folder });
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toContain('input.json is not JSON: line 1, column 10');
    expect(stderr).toContain('fix: correct the file at this place');
  });

  it('lists every problem of the input, and starts nothing', async () => {
    const { code, stdout, stderr } = await wflo(['run', 'report', '--input', '{"days":"x"}']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error invalid_input: the input does not fit the workflow report\n/);
    expect(stderr).toContain('table');
    expect(stderr).toContain('/days');
    expect((await on.api.executions.listExecutions({ tenant: 'default', limit: 9 })).items).toEqual([]);
  });

  it('names what is deployed when the workflow is not', async () => {
    const { code, stderr } = await wflo(['run', 'raport', '--input', input, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'unknown_workflow', details: { deployed: ['reindex', 'report'] } },
    });
  });

  it('--wait --json prints the final status, and only that', async () => {
    endsAfter(3, { status: 'succeeded', endedAt: '2026-11-24T12:00:09.000Z' });
    const { code, stdout, stderr } = await wflo([
      'run',
      'report',
      '--input',
      input,
      '--name',
      'one',
      '--wait',
      '--json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const view = JSON.parse(stdout) as ExecutionView;
    expect(view).toMatchObject({
      executionId: 'report:one',
      workflow: 'report',
      status: 'succeeded',
      startedAt: '2026-11-24T12:00:00.000Z',
      endedAt: '2026-11-24T12:00:09.000Z',
      costUsd: null,
      budgetUsd: null,
    });
    expect(view.steps[0]).toMatchObject({ path: 'plan', status: 'pending', attempt: 0, costUsd: null });
  });

  it('--wait exits 1 when the execution does not succeed, and says why', async () => {
    endsAfter(3, {
      status: 'failed',
      endedAt: '2026-11-24T12:00:09.000Z',
      error: { code: 'agent_failed', message: 'exit 3', stepPath: 'plan' },
    });
    const args = ['run', 'report', '--input', input, '--name', 'one', '--wait'];
    const text = await wflo(args);
    expect(text.code).toBe(1);
    expect(text.stdout).toContain('report:one  failed');
    expect(text.stderr).toContain('error execution_failed: report:one ended as failed: agent_failed: exit 3');
    const json = await wflo([...args, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ status: 'failed', error: { code: 'agent_failed' } });
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'execution_failed' } });
  });

  it('--wait draws in place on a terminal', async () => {
    endsAfter(3, { status: 'succeeded', endedAt: '2026-11-24T12:00:09.000Z' });
    const stdout = recordedStream(true);
    const { code } = await wflo(['run', 'report', '--input', input, '--wait'], { stdout });
    expect(code).toBe(0);
    const frames = stdout.text().split('\u001b[J');
    expect(frames.length).toBeGreaterThan(2);
    expect(frames.at(-1)).toContain('succeeded');
    // The cursor is shown again, whatever happened.
    expect(stdout.text().endsWith('\u001b[?25h')).toBe(true);
  });

  it('--wait that is interrupted leaves the execution running and says how to go on', async () => {
    const interrupt = new AbortController();
    const { executions } = on.api;
    const read = executions.getExecution.bind(executions);
    let count = 0;
    executions.getExecution = async (id) => {
      count += 1;
      if (count === 3) interrupt.abort();
      return read(id);
    };
    const { code, stderr } = await wflo(['run', 'report', '--input', input, '--name', 'one', '--wait'], {
      signal: interrupt.signal,
    });
    expect(code).toBe(130);
    expect(stderr).toContain('wflo status report:one --follow');
    expect((await read('report:one'))?.ending).toBeUndefined();
  });
});

describe('list', () => {
  it('prints a table, or the executions', async () => {
    on.api.executions.seed({
      executions: [
        anExecution({ status: 'succeeded', endedAt: '2026-01-01T00:00:03.000Z' }),
        anExecution({ executionId: 'report:two', startedAt: '2026-01-02T00:00:00.000Z', status: 'failed' }),
      ],
    });
    const text = await wflo(['list']);
    expect(text.stdout).toContain('report:one  succeeded  2026-01-01 00:00:00Z  3.0 s\n');
    const json = await wflo(['list', '--status', 'failed', '--workflow', 'report', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ executions: [{ executionId: 'report:two' }], more: false });
  });

  it('stops at a hundred and says so', async () => {
    on.api.executions.seed({
      executions: Array.from({ length: 130 }, (_, n) => anExecution({ executionId: `report:n${n}` })),
    });
    const { stdout } = await wflo(['list', '--json']);
    const { executions, more } = JSON.parse(stdout) as { executions: unknown[]; more: boolean };
    expect({ length: executions.length, more }).toEqual({ length: 100, more: true });
    expect((await wflo(['list'])).stderr).toContain('older');
  });
});

describe('status', () => {
  it('shows the steps', async () => {
    on.api.executions.seed({
      executions: [anExecution()],
      attempts: [anAttempt({ status: 'running' })],
    });
    const { code, stdout } = await wflo(['status', 'report:one']);
    expect(code).toBe(0);
    expect(stdout).toContain('● write  running');
  });

  it('--follow --json prints one line for each change', async () => {
    on.api.executions.seed({ executions: [anExecution()] });
    endsAfter(2, { status: 'cancelled', endedAt: '2026-11-24T12:00:09.000Z' });
    const { code, stdout } = await wflo(['status', 'report:one', '--follow', '--json']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ExecutionView);
    expect(lines.map((view) => view.status)).toEqual(['running', 'cancelled']);
  });

  it('says in open mode that egress is not filtered, to people and on stderr', async () => {
    on.api.executions.seed({ executions: [anExecution()] });
    const asked: unknown[] = [];
    const networkMode = async (target: unknown) => {
      asked.push(target);
      return 'open';
    };
    const { code, stdout, stderr } = await wflo(['status', 'report:one', '--stage', 'trial'], { networkMode });
    expect(code).toBe(0);
    expect(asked).toEqual([{ kind: 'aws', stage: 'trial' }]);
    expect(stderr).toContain('the egress of sandboxes is not filtered');
    expect(stdout).not.toContain('egress');
    const closed = await wflo(['status', 'report:one'], { networkMode: async () => 'private' });
    expect(closed.stderr).toBe('');
    expect((await wflo(['status', 'report:one', '--json'], { networkMode })).stderr).toBe('');
  });

  it('of what does not exist is unknown_execution', async () => {
    const { code, stdout, stderr } = await wflo(['status', 'report:none']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error unknown_execution: .*report:none/);
    expect(stderr).toContain('fix: ');
  });
});

describe('logs', () => {
  const line = (text: string, second: number) => ({
    at: `2026-01-01T00:00:0${second}.000Z`,
    stream: 'stdout' as const,
    text,
  });

  it('prints what is there, of all steps or of one', async () => {
    on.api.executions.seed({
      executions: [
        anExecution({
          steps: [
            { path: 'plan', kind: 'sandbox' },
            { path: 'write', kind: 'sandbox' },
          ],
        }),
      ],
    });
    await on.api.logs.write('report:one', 'plan', 1, [line('a', 1)]);
    await on.api.logs.write('report:one', 'write', 1, [line('b', 2)]);
    expect((await wflo(['logs', 'report:one'])).stdout).toBe('00:00:01.000Z plan a\n00:00:02.000Z write b\n');
    const json = await wflo(['logs', 'report:one', '--step', 'write', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      lines: [{ stepPath: 'write', attempt: 1, stream: 'stdout', text: 'b' }],
    });
    expect((await wflo(['logs', 'report:one', '--step', 'wirte'])).code).toBe(1);
  });

  it('--follow ends when the execution is final and everything was read', async () => {
    on.api.executions.seed({ executions: [anExecution({ status: 'succeeded', endedAt: '2026-01-01T00:00:09.000Z' })] });
    await on.api.logs.write('report:one', 'write', 1, [line('a', 1), line('b', 2)]);
    const { code, stdout } = await wflo(['logs', 'report:one', '--follow', '--json']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((one) => (JSON.parse(one) as { text: string }).text);
    expect(lines).toEqual(['a', 'b']);
  });
});

describe('deploy', () => {
  it('without credentials or a region is refused before anything is synthesised', async () => {
    for (const error of [
      Object.assign(new Error('none'), { name: 'CredentialsProviderError' }),
      new Error('Region is missing'),
    ]) {
      const connect = () => Promise.reject(noTarget(error, 'dev', '/wflo/dev/control-api-url'));
      const { code, stdout, stderr } = await cli(['deploy'], { connect });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^error no_target: /);
      expect(stderr).toContain('set AWS_REGION, and repeat the command');
    }
  });
});

describe('cancel', () => {
  it('ends what runs, and exits 1 for what has ended', async () => {
    on.api.executions.seed({
      executions: [anExecution(), anExecution({ executionId: 'report:done', status: 'succeeded' })],
    });
    const ran = await wflo(['cancel', 'report:one', '--stage', 'prod']);
    expect(ran).toMatchObject({ code: 0, stdout: 'cancelling report:one\n' });
    expect(ran.stderr).toContain('--stage prod');
    expect((await on.api.executions.getExecution('report:one'))?.ending?.status).toBe('cancelled');
    const closed = await wflo(['cancel', 'report:done']);
    expect(closed.code).toBe(1);
    expect(closed.stderr).toMatch(/^error execution_closed: /);
  });
});
