import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxPayload } from '../../../lib/execution/payload.ts';
import { recordSignedOutcome } from '../../../lib/execution/record-signed-outcome.ts';
import { answer, FAST, runnerWorld, until, type World } from '../../_helpers/runner-world.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

async function world(payload: Partial<SandboxPayload>): Promise<World> {
  const made = await runnerWorld(payload);
  worlds.push(made);
  return made;
}

const node = (script: string): string[] => ['node', '-e', script];
const sh = (script: string): string[] => ['sh', '-c', script];

describe('an agent that ends well', () => {
  it('needs exactly two calls, and the runner ends with 0', async () => {
    const w = await world({ command: sh('echo out; echo err >&2; echo "{\\"n\\":1}" > "$WFLO_OUTPUT"') });
    expect(await w.runBundle()).toEqual({ code: 0, stderr: '' });
    expect(w.calls).toEqual(['claim', 'complete']);
    const attempt = await w.scene.attempt();
    expect(attempt).toMatchObject({
      exit: { reason: 'ok', code: 0 },
      usage: { stdoutBytes: 4, stderrBytes: 4, stdoutTruncated: false, stderrTruncated: false },
    });
    expect(attempt.usage?.wallMs).toBeGreaterThan(0);
    expect(await w.outputOf()).toEqual({ n: 1 });
    const lines = w.scene.logs.lines.map(({ stream, text }) => [stream, text]);
    expect(lines.sort()).toEqual([
      ['stderr', 'err'],
      ['stdout', 'out'],
    ]);
  });

  it('gets command, environment and input unchanged', async () => {
    const hostile = ['${x}', '$.x', '$HOME', '`id`', '"quoted"', "it's", 'two\nlines', 'ünïcödé 🦉', '', '\\u0024'];
    const report =
      'require("fs").writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify({argv: process.argv.slice(1), e: process.env.E, input: JSON.parse(require("fs").readFileSync(process.env.WFLO_INPUT))}))';
    const w = await world({
      command: [...node(report), '--', ...hostile],
      env: { E: hostile.join('|') },
      input: hostile,
    });
    expect(await w.run()).toBe(0);
    expect(await w.outputOf()).toEqual({ argv: hostile, e: hostile.join('|'), input: hostile });
  });

  it('sees only what is meant for it', async () => {
    const dump =
      'require("fs").writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify({env: process.env, cwd: process.cwd()}))';
    const w = await world({ command: node(dump), env: { DECLARED: 'yes', WFLO_STEP: 'forged' } });
    expect((await w.runBundle({ SECRET_OF_THE_HOST: 'x', NODE_EXTRA_CA_CERTS: '/dev/null' })).code).toBe(0);
    const { env, cwd } = (await w.outputOf()) as { env: Record<string, string>; cwd: string };
    expect(cwd).toBe(`${w.root}/code`);
    expect(Object.keys(env).sort()).toEqual([
      'DECLARED',
      'HOME',
      'LANG',
      'PATH',
      'TMPDIR',
      'WFLO_ATTEMPT',
      'WFLO_EXECUTION',
      'WFLO_INPUT',
      'WFLO_OUTPUT',
      'WFLO_STEP',
      'WFLO_WORKSPACE',
    ]);
    expect(env).toMatchObject({ DECLARED: 'yes', WFLO_STEP: 'write', HOME: `${w.root}/home` });
  });

  it('may write no output', async () => {
    const w = await world({ command: ['true'] });
    expect(await w.run()).toBe(0);
    const attempt = await w.scene.attempt();
    expect(attempt).toMatchObject({ status: 'exited', exit: { reason: 'ok', code: 0 } });
    expect(attempt).not.toHaveProperty('output');
  });
});

describe('an agent that fails', () => {
  it.each([
    ['a non-zero code', sh('exit 3'), { reason: 'agent_failed', code: 3 }],
    ['a signal', sh('kill -SEGV $$'), { reason: 'killed', code: 139, signal: 'SIGSEGV' }],
    ['a command that does not exist', ['no-such-program'], { reason: 'agent_failed', code: 127 }],
    ['a command that cannot be executed', ['/dev/null'], { reason: 'agent_failed', code: 126 }],
    ['a command with a NUL', ['true', 'a\0b'], { reason: 'agent_failed', code: 126 }],
  ])('with %s is reported exactly, and the runner ends with 0', async (_what, command, exit) => {
    const w = await world({ command });
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject(exit);
    expect(w.calls).toEqual(['claim', 'complete']);
  });
});

describe('the time limit', () => {
  it('ends an agent that ignores SIGTERM, with its children', async () => {
    const w = await world({
      timeoutSeconds: 0.3,
      command: sh('trap "" TERM; sh -c "trap \\"\\" TERM; while :; do sleep 1; done" & while :; do sleep 1; done'),
    });
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'timed_out', code: 124 });
    expect(await w.survivors()).toEqual([]);
  });

  it('lets an agent end by itself after SIGTERM, and takes its output', async () => {
    const w = await world({
      timeoutSeconds: 0.3,
      command: sh('trap "echo 1 > $WFLO_OUTPUT; exit 0" TERM; while :; do sleep 0.05; done'),
    });
    expect(await w.run({ timings: { ...FAST, killGraceMs: 5_000 } })).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'timed_out', code: 124 });
    expect(await w.outputOf()).toBe(1);
  });
});

describe('what an agent leaves behind', () => {
  it('is killed, in its group and out of it, and does not hold the step up', async () => {
    const w = await world({
      command: sh(
        'sleep 100 & setsid sleep 100 & setsid sh -c "sleep 100 & sleep 100" > /dev/null 2>&1 & echo started',
      ),
    });
    const started = performance.now();
    expect(await w.run()).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await w.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
    expect(await w.survivors()).toEqual([]);
  });
});

describe('logs', () => {
  it('of 100 MB without a newline stay within the cap, are counted, and say so', async () => {
    const w = await world({ command: sh('head -c 100000000 /dev/zero | tr "\\0" x') });
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).usage).toMatchObject({
      stdoutBytes: 100_000_000,
      stdoutTruncated: true,
      stderrTruncated: false,
    });
    const stdout = w.scene.logs.lines.filter((line) => line.stream === 'stdout');
    expect(stdout.reduce((sum, line) => sum + line.text.length, 0)).toBe(5 * 1024 * 1024);
    expect(Math.max(...stdout.map((line) => line.text.length))).toBe(64 * 1024);
    const note = w.scene.logs.lines.find((line) => line.stream === 'runner');
    expect(note?.text).toContain('100000000 bytes written');
    expect(w.scene.failures).toEqual([]);
  });

  it('arrive while the agent runs', async () => {
    const w = await world({
      command: sh('head -c 600000 /dev/zero | tr "\\0" y; while [ ! -e "$TMPDIR/go" ]; do sleep 0.02; done'),
    });
    const ended = w.run();
    await until(() => w.scene.logs.lines.length > 3);
    expect((await w.scene.attempt()).status).toBe('running');
    await writeFile(`${w.root}/tmp/go`, '');
    expect(await ended).toBe(0);
    const text = w.scene.logs.lines.map((line) => line.text).join('');
    expect(text).toBe('y'.repeat(600_000));
  });

  it('that are few arrive while the agent runs as well, in a request of their own', async () => {
    const w = await world({ command: sh('echo early; while [ ! -e "$TMPDIR/go" ]; do sleep 0.02; done; echo late') });
    const ended = w.run({ timings: { ...FAST, liveLogsMs: 20 } });
    await until(() => w.scene.logs.lines.some((line) => line.text === 'early'));
    expect(w.calls).toEqual(['claim', 'events']);
    await writeFile(`${w.root}/tmp/go`, '');
    expect(await ended).toBe(0);
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['early', 'late']);
  });

  it('that could not be written come again, and with the outcome until they are', async () => {
    const w = await world({ command: sh('echo late') });
    let unwritten = 2;
    const write = w.scene.logs.write.bind(w.scene.logs);
    w.scene.logs.write = async (...line) => {
      if (unwritten-- > 0) throw new Error('throttled');
      return write(...line);
    };
    expect(await w.run()).toBe(0);
    expect(w.calls).toEqual(['claim', 'complete', 'complete', 'complete']);
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['late']);
    expect(w.scene.eventTypes().filter((type) => type === 'sandbox.exited')).toHaveLength(1);
  });

  it('that can never be written do not keep the outcome from being one', async () => {
    const w = await world({ command: sh('echo lost') });
    w.scene.logs.write = async () => {
      throw new Error('throttled');
    };
    expect(await w.run({ timings: { ...FAST, lastLogsMs: 60 } })).toBe(0);
    expect((await w.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
  });

  it('with bytes that are not UTF-8 are kept readable', async () => {
    const w = await world({ command: ['printf', 'a\\377b\\n'] });
    await w.run();
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['a�b']);
  });
});

describe('a session under way', () => {
  /** Heartbeats every 50 ms: the claim's answer is changed on its way. */
  function beatFast(w: World): void {
    const original = w.scene.api.request.bind(w.scene.api);
    Object.assign(w.scene.api, {
      request: async (...args: Parameters<typeof original>) => {
        const response = await original(...args);
        if (!String(args[0]).endsWith('/claim') || response.status !== 200) return response;
        return Response.json({ ...((await response.json()) as object), heartbeatSeconds: 0.05 });
      },
    });
  }

  it('beats, carries lines, and uses the renewed token', async () => {
    const w = await world({ command: sh('echo early; while [ ! -e "$TMPDIR/go" ]; do sleep 0.02; done') });
    beatFast(w);
    const tokens = new Set<string | undefined>();
    w.intercept = (call, request) => {
      if (call === 'heartbeat') tokens.add(request.headers.authorization);
      return false;
    };
    const ended = w.run();
    await until(() => w.scene.logs.lines.some((line) => line.text === 'early'));
    w.scene.clock.advance(460);
    await until(() => tokens.size > 1);
    await writeFile(`${w.root}/tmp/go`, '');
    expect(await ended).toBe(0);
    expect((await w.scene.attempt()).status).toBe('exited');
  });

  it('carries the lines of a heartbeat again that could not be written', async () => {
    const w = await world({ command: sh('echo early; while [ ! -e "$TMPDIR/go" ]; do sleep 0.02; done') });
    beatFast(w);
    w.scene.logs.failure = new Error('throttled');
    const ended = w.run();
    await until(() => w.scene.logs.lines.length > 0);
    await writeFile(`${w.root}/tmp/go`, '');
    expect(await ended).toBe(0);
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['early']);
    expect(w.scene.counted).toEqual(['LogsNotWritten']);
  });

  it('keeps its lease while the output is sent', async () => {
    const w = await world({ command: sh('head -c 100000 /dev/zero | tr "\\0" 1 > "$WFLO_OUTPUT"') });
    beatFast(w);
    let beats = 0;
    w.intercept = (call, _request, response) => {
      if (call === 'heartbeat') beats += 1;
      if (call !== 'PUT object' || beats >= 3) return false;
      answer(response, 503, '');
      return true;
    };
    expect(await w.run()).toBe(0);
    expect(beats).toBeGreaterThanOrEqual(3);
    expect((await w.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
  });

  it('ends the agent when it is told to, and reports', async () => {
    const w = await world({ command: ['sleep', '100'] });
    beatFast(w);
    const ended = w.run();
    await until(() => w.calls.includes('heartbeat'));
    const actor = { type: 'person', id: 'ada', via: 'api' } as const;
    await w.scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'execution', set: { ending: { status: 'cancelled', actor, reason: 'enough' } } }],
      events: [],
    });
    expect(await ended).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({
      reason: 'killed',
      code: 143,
      message: 'the execution is ending: enough',
    });
    expect(await w.survivors()).toEqual([]);
  });

  it('ends the agent and reports nothing when it was fenced', async () => {
    const w = await world({ command: ['sleep', '100'] });
    beatFast(w);
    const ended = w.run();
    await until(() => w.calls.includes('heartbeat'));
    await w.scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'lease', path: 'write', attempt: 1, set: { status: 'fenced', epoch: 2 } }],
      events: [],
    });
    expect(await ended).toBe(75);
    expect(w.calls).not.toContain('complete');
    expect(await w.survivors()).toEqual([]);
  });

  it('outlives an API that is away for a while', async () => {
    const w = await world({ command: sh('sleep 0.2; echo done') });
    let failures = 0;
    w.intercept = (call, _request, response) => {
      if (call.startsWith('/v4') || failures >= 6) return false;
      failures += 1;
      if (failures % 2 === 0) answer(response, 502, 'Bad Gateway');
      else response.destroy();
      return true;
    };
    expect(await w.run()).toBe(0);
    expect(failures).toBe(6);
    expect((await w.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
    expect(w.scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.exited']);
  });

  it('is one, when the answer of the claim was lost', async () => {
    const w = await world({ command: ['true'] });
    const original = w.scene.api.request.bind(w.scene.api);
    let lost = 0;
    Object.assign(w.scene.api, {
      request: async (...args: Parameters<typeof original>) => {
        const response = await original(...args);
        lost += 1;
        return lost === 1 ? new Response('', { status: 504 }) : response;
      },
    });
    expect(await w.run()).toBe(0);
    expect(w.calls).toEqual(['claim', 'claim', 'complete']);
    expect(w.scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.exited']);
  });

  it('gives up with 75 when its outcome cannot be delivered', async () => {
    const w = await world({ command: ['true'] });
    w.intercept = (call, _request, response) => {
      if (call === 'complete') response.destroy();
      return call === 'complete';
    };
    expect(await w.run({ timings: { ...FAST, deliveryMs: 200 } })).toBe(75);
    expect(w.calls.filter((call) => call === 'complete').length).toBeGreaterThan(2);
  });

  it('leaves a signed outcome that counts as the completion would have', async () => {
    const w = await world({ command: sh('echo said; echo "{\\"n\\":1}" > "$WFLO_OUTPUT"; exit 3') });
    w.intercept = (call, _request, response) => {
      if (call === 'complete') response.destroy();
      return call === 'complete';
    };
    expect(await w.run({ timings: { ...FAST, deliveryMs: 400 } })).toBe(75);
    const found = { execution: await w.scene.execution(), lease: await w.scene.lease() };
    const refused: string[] = [];
    const signals = { outcomeRefused: (_lease: unknown, why: string) => refused.push(why) };
    expect(
      await recordSignedOutcome({ ...w.scene.ports, executions: w.scene.ports.store, signals }, found),
      refused.join(),
    ).toBe('recorded');
    expect(await w.scene.attempt()).toMatchObject({
      status: 'exited',
      exit: { reason: 'agent_failed', code: 3 },
      usage: { stdoutBytes: 5 },
    });
    expect(await w.outputOf()).toEqual({ n: 1 });
    expect(w.outcome()).not.toContain('said');
  });

  it('leaves its outcome where the newest heartbeat says, also after a first failure', async () => {
    const w = await world({ command: ['true'] });
    let failures = 0;
    w.intercept = (call, _request, response) => {
      if (call === 'complete' && w.outcome() === undefined) {
        answer(response, 503, '');
        return true;
      }
      if (call !== 'outcome' || failures === 2) return false;
      failures += 1;
      answer(response, failures === 1 ? 403 : 503, '');
      return true;
    };
    expect(await w.run()).toBe(0);
    expect(JSON.parse(JSON.parse(w.outcome() ?? '').body).completion.exit).toEqual({ reason: 'ok', code: 0 });
  });

  it('ends at once with 75 when its outcome is refused', async () => {
    const w = await world({ command: sh('sleep 0.2') });
    const ended = w.run();
    await until(async () => (await w.scene.attempt()).status === 'running');
    await w.scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'execution', set: { status: 'cancelled' } }],
      events: [],
    });
    expect(await ended).toBe(75);
    expect(w.calls.filter((call) => call === 'complete')).toHaveLength(1);
  });

  it('never starts the agent when it was told to stop before, and reports', async () => {
    const w = await world({ command: sh('trap "" TERM; touch "$TMPDIR/ran"; sleep 100') });
    expect(await w.run({ stopping: AbortSignal.abort('the sandbox was told to stop (SIGTERM)') })).toBe(0);
    await expect(readFile(`${w.root}/tmp/ran`)).rejects.toThrow('ENOENT');
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'killed', code: 143 });
  });

  it('ends the agent and reports when the container is told to stop', async () => {
    const w = await world({ command: ['sleep', '100'] });
    const stopping = new AbortController();
    const ended = w.run({ stopping: stopping.signal });
    await until(async () => (await w.survivors()).length === 1);
    stopping.abort('the sandbox was told to stop (SIGTERM)');
    expect(await ended).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({
      reason: 'killed',
      code: 143,
      message: 'the sandbox was told to stop (SIGTERM)',
    });
  });
});

describe('a claim', () => {
  it('that is refused ends the runner with 64, and the agent never starts', async () => {
    const w = await world({ command: sh('touch "$TMPDIR/ran"') });
    const reports: string[] = [];
    w.variables = ((variables) => () => ({ ...variables(), WFLO_LEASE: 'another-lease' }))(w.variables);
    expect(await w.run({ report: (text) => reports.push(text) })).toBe(64);
    expect(w.calls).toEqual(['claim']);
    expect(reports.join()).toContain('claim_refused');
    await expect(readFile(`${w.root}/tmp/ran`)).rejects.toThrow('ENOENT');
  });

  it('that nobody answers ends the runner with 75', async () => {
    const w = await world({});
    w.intercept = (call, _request, response) => {
      if (call === 'claim') response.destroy();
      return call === 'claim';
    };
    expect(await w.run({ timings: { ...FAST, claimMs: 100 } })).toBe(75);
  });
});

describe('the environment of the runner', () => {
  it.each([
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_ROLE_ARN',
  ])('must not hold %s', async (name) => {
    const w = await world({});
    const reports: string[] = [];
    w.variables = ((variables) => () => ({ ...variables(), [name]: 'value-of-it' }))(w.variables);
    expect(await w.run({ report: (text) => reports.push(text) })).toBe(64);
    expect(w.calls).toEqual([]);
    expect(reports.join()).toContain(name);
    expect(reports.join()).not.toContain('value-of-it');
  });

  it.each(['http://example.com', 'ftp://127.0.0.1', 'api'])('must not name the API as %s', async (api) => {
    const w = await world({});
    w.variables = ((variables) => () => ({ ...variables(), WFLO_API: api }))(w.variables);
    expect(await w.run()).toBe(64);
    expect(w.calls).toEqual([]);
  });

  it.each([
    'WFLO_API',
    'WFLO_EXECUTION',
    'WFLO_STEP',
    'WFLO_ATTEMPT',
    'WFLO_LEASE',
    'WFLO_CODE',
    'ECS_CONTAINER_METADATA_URI_V4',
  ])('must hold %s', async (name) => {
    const w = await world({});
    w.variables = ((variables) => () => {
      const { [name]: _removed, ...rest } = variables();
      return rest;
    })(w.variables);
    expect(await w.run()).toBe(64);
    expect(w.calls).toEqual([]);
  });
});
