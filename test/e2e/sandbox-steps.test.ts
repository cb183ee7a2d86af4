import { describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../lib/audit/events.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import { modelEnvironment } from '../../lib/sandbox/model-environment.ts';
import { runToEnd, wflo, wfloJson } from '../_helpers/wflo.ts';
import { HOSTILE } from './workflows/verbatim/workflow.ts';

interface Row {
  readonly mode: string;
  readonly does: string;
  readonly error: string;
  readonly exit: { readonly reason: string; readonly code: number };
  readonly attempts: number;
  /** Every part must stand in the message, which a person reads. */
  readonly says: readonly string[];
}

const FAILURES: readonly Row[] = [
  {
    mode: 'exit-3',
    does: 'ends with code 3',
    error: 'agent_failed',
    exit: { reason: 'agent_failed', code: 3 },
    attempts: 2,
    says: ['3'],
  },
  {
    mode: 'crash',
    does: 'throws',
    error: 'agent_failed',
    exit: { reason: 'agent_failed', code: 1 },
    attempts: 2,
    says: ['1'],
  },
  {
    mode: 'no-output',
    does: 'writes no output',
    error: 'no_output',
    exit: { reason: 'ok', code: 0 },
    attempts: 1,
    says: ['declares an output'],
  },
  {
    mode: 'not-json',
    does: 'writes what is not JSON',
    error: 'invalid_output',
    exit: { reason: 'ok', code: 0 },
    attempts: 1,
    says: ['JSON'],
  },
  {
    mode: 'wrong-shape',
    does: 'misses the schema',
    error: 'invalid_output',
    exit: { reason: 'ok', code: 0 },
    attempts: 1,
    says: ['mode', 'size'],
  },
  {
    mode: 'sleep',
    does: 'runs into its limit',
    error: 'timed_out',
    exit: { reason: 'timed_out', code: 124 },
    attempts: 1,
    says: ['5'],
  },
];

async function eventTypes(executionId: string): Promise<string[]> {
  const records = await wfloJson<ChainRecord[]>('events', executionId);
  return records.map((record) => record.event.eventType);
}

async function expectVerified(executionId: string): Promise<void> {
  const { code, stdout, stderr } = await wflo('audit', 'verify', executionId, '--local');
  expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
}

describe('a sandbox step', () => {
  it.each(FAILURES)('that $does fails the execution as $error', async ({ mode, error, exit, attempts, says }) => {
    const view = await runToEnd('battery', { mode });

    expect(view).toMatchObject({ status: 'failed', error: { code: error, stepPath: 'act' } });
    for (const part of says) expect(view.error?.message).toContain(part);
    expect(view.steps).toMatchObject([{ path: 'act', status: 'failed', attempt: attempts, exit }]);
    const types = await eventTypes(view.executionId);
    expect(types.filter((type) => type === 'step.retried')).toHaveLength(attempts - 1);
    expect(types.filter((type) => type === 'sandbox.claimed')).toHaveLength(attempts);
    expect(types.at(-1)).toBe('workflow.failed');
    await expectVerified(view.executionId);
  });

  it('that prints 100 MB succeeds; the log is capped and says so', async () => {
    const view = await runToEnd('battery', { mode: 'noise' });

    expect(view.status).toBe('succeeded');
    const records = await wfloJson<ChainRecord[]>('events', view.executionId);
    const exited = records.find((record) => record.event.eventType === 'sandbox.exited');
    expect(exited?.event.data).toMatchObject({ usage: { stdoutTruncated: true, stderrTruncated: false } });
  });

  it('moves an output above 32 KiB by upload and hands it back whole', async () => {
    const view = await runToEnd('battery', { mode: 'large-output' });

    expect(view.status).toBe('succeeded');
    expect(view.output).toStrictEqual({ mode: 'y'.repeat(200_000), size: 200_000 });
  });

  it('gets every text of its command, environment and input unchanged, and nothing that is not its own', async () => {
    const word = '${SandboxApiUrl} $.steps "🦊"\n';
    const view = await runToEnd('verbatim', { word });

    expect(view.status).toBe('succeeded');
    const output = view.output as { argv: string[]; env: string; composed: string; input: unknown; names: string[] };
    expect(output.argv).toStrictEqual(HOSTILE);
    expect(output.env).toBe(HOSTILE.join('|'));
    expect(output.composed).toBe(`<${word}> $.x \${y}`);
    expect(output.input).toStrictEqual({ word, hostile: HOSTILE });
    // Addresses on loopback and placeholders: what the SDKs of providers want to see.
    const ofModels = Object.keys(modelEnvironment({ url: '', secureUrl: '', certificateFile: '' }));
    const others = output.names.filter((name) => !ofModels.includes(name));
    expect(others.filter((name) => /^AWS_|KEY|TOKEN|SECRET|WFLO_(CODE|LEASE|API)/.test(name))).toEqual([]);
  });

  it('keeps stdout and stderr apart in the logs, by step and attempt', async () => {
    const view = await runToEnd('battery', { mode: 'exit-3' });

    const { lines } = await wfloJson<{ lines: { stream: string; text: string; attempt: number }[] }>(
      'logs',
      view.executionId,
    );
    for (const attempt of [1, 2]) {
      expect(lines).toContainEqual(expect.objectContaining({ attempt, stream: 'stdout', text: 'mode exit-3' }));
      expect(lines).toContainEqual(expect.objectContaining({ attempt, stream: 'stderr', text: 'about to give up' }));
    }
  });
});

describe('a workflow with every kind of step', () => {
  const status = (view: ExecutionView) => Object.fromEntries(view.steps.map((step) => [step.path, step.status]));

  it('runs branches side by side and one side of a condition', async () => {
    const large = await runToEnd('branching', { amount: 6 });
    expect(large).toMatchObject({ status: 'succeeded', output: { doubled: 12 } });
    expect(status(large)).toStrictEqual({
      measure: 'succeeded',
      'left-side': 'succeeded',
      'right-side': 'succeeded',
      'say-large': 'succeeded',
      'say-small': 'pending',
    });
    await expectVerified(large.executionId);

    const small = await runToEnd('branching', { amount: 5 });
    expect(small).toMatchObject({ status: 'succeeded', output: { doubled: 10 } });
    expect(status(small)).toMatchObject({ 'say-large': 'pending', 'say-small': 'succeeded' });
  });

  it('fails with the words of the function that failed', async () => {
    const view = await runToEnd('branching', { amount: -1 });

    expect(view).toMatchObject({ status: 'failed', error: { code: 'function_failed', stepPath: 'measure' } });
    expect(view.error?.message).toContain('the amount -1 is negative');
  });
});
