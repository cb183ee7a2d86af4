import { describe, expect, it } from 'vitest';
import { fenceLease } from '../../../../lib/execution/close-attempt.ts';
import { sha256 } from '../../../../lib/json.ts';
import { formatSessionToken } from '../../../../lib/sandbox/session-token.ts';
import {
  claimed,
  codeOf,
  completeBody,
  EXECUTION_ID,
  type Scene,
  sandboxScene,
} from '../../../_helpers/sandbox-scene.ts';

async function running(): Promise<{ scene: Scene; token: string }> {
  const scene = await sandboxScene();
  return { scene, token: (await claimed(scene)).sessionToken };
}

async function set(scene: Scene, fields: { status: 'cancelled' } | { ending: true }): Promise<void> {
  const actor = { type: 'person', id: 'ada', via: 'api' } as const;
  await scene.store.commit({
    executionId: EXECUTION_ID,
    changes: [
      {
        item: 'execution',
        set: 'status' in fields ? fields : { ending: { status: 'cancelled', actor, reason: 'enough' } },
      },
    ],
    events: [],
  });
}

describe('a completion', () => {
  it('records exit, usage and output, and frees the lease', async () => {
    const { scene, token } = await running();
    const line = { at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text: 'bye' } as const;
    const answer = await scene.call(
      'complete',
      completeBody({ output: { text: '{ "b": 1, "a": "é" }\n' }, logs: [line] }),
      token,
    );
    expect(answer).toEqual({ status: 200, body: { accepted: true, logsWritten: true } });
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ status: 'exited', exit: { reason: 'ok', code: 0 }, usage: { wallMs: 5 } });
    expect(attempt).not.toHaveProperty('error');
    if (attempt.output === undefined) throw new Error('no output');
    expect(await scene.blobs.get(EXECUTION_ID, attempt.output)).toEqual({ a: 'é', b: 1 });
    const lease = await scene.lease();
    expect(lease).toMatchObject({ status: 'completed' });
    expect(lease).not.toHaveProperty('checkAt');
    expect(scene.store.events().at(-1)).toMatchObject({
      eventType: 'sandbox.exited',
      data: { exit: { reason: 'ok', code: 0 }, outputSha256: attempt.output.sha256 },
    });
    expect(scene.logs.lines).toMatchObject([line]);
  });

  it('is accepted again when it is the same, and changes nothing', async () => {
    const { scene, token } = await running();
    const body = completeBody({ output: { text: '1' } });
    await scene.call('complete', body, token);
    const before = [await scene.attempt(), await scene.lease(), scene.eventTypes()];
    expect(await scene.call('complete', body, token)).toEqual({
      status: 200,
      body: { accepted: true, logsWritten: true },
    });
    expect([await scene.attempt(), await scene.lease(), scene.eventTypes()]).toEqual(before);
  });

  it('is recorded also while its log lines cannot be written, which come with its repeat', async () => {
    const { scene, token } = await running();
    const line = { at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text: 'bye' } as const;
    const body = completeBody({ logs: [line] });
    scene.logs.failure = new Error('throttled');
    const unwritten = { status: 200, body: { accepted: true, logsWritten: false } };
    expect(await scene.call('complete', body, token)).toEqual(unwritten);
    expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'ok' } });
    expect(scene.counted).toEqual(['LogsNotWritten']);
    expect(await scene.call('complete', body, token)).toMatchObject({ status: 200, body: { logsWritten: true } });
    expect(scene.logs.lines).toMatchObject([line]);
    expect(scene.eventTypes().filter((type) => type === 'sandbox.exited')).toHaveLength(1);
  });

  it('is accepted when the same one was written in between', async () => {
    const { scene, token } = await running();
    const body = completeBody({ output: { text: '1' } });
    scene.store.beforeCommit = async () => {
      scene.store.beforeCommit = undefined;
      await scene.call('complete', body, token);
    };
    expect(await scene.call('complete', body, token)).toMatchObject({ status: 200 });
    expect(scene.eventTypes().filter((type) => type === 'sandbox.exited')).toHaveLength(1);
  });

  it('contradicts an accepted one in vain', async () => {
    const { scene, token } = await running();
    await scene.call('complete', completeBody(), token);
    const other = completeBody({ exit: { reason: 'agent_failed', code: 1 } });
    const answer = await scene.call('complete', other, token);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'late_result']);
    expect(await scene.attempt()).toMatchObject({ exit: { reason: 'ok' } });
  });

  it('is taken while the execution is ending', async () => {
    const { scene, token } = await running();
    await set(scene, { ending: true });
    const exit = { reason: 'killed', code: 143, signal: 'SIGTERM' } as const;
    expect(await scene.call('complete', completeBody({ exit }), token)).toMatchObject({ status: 200 });
    expect(await scene.attempt()).toMatchObject({ exit });
  });

  it('after the end of the execution is late and without effect', async () => {
    const { scene, token } = await running();
    await set(scene, { status: 'cancelled' });
    const answer = await scene.call('complete', completeBody(), token);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'late_result']);
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
    expect(scene.counted).toEqual(['LateResult']);
    expect(scene.eventTypes()).not.toContain('sandbox.exited');
  });

  it('loses against an end of the execution that came first', async () => {
    const { scene, token } = await running();
    scene.store.beforeCommit = async () => {
      scene.store.beforeCommit = undefined;
      await set(scene, { status: 'cancelled' });
    };
    expect(codeOf(await scene.call('complete', completeBody(), token))).toBe('late_result');
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
  });

  it('loses against a fence', async () => {
    const { scene, token } = await running();
    scene.store.beforeCommit = async () => {
      scene.store.beforeCommit = undefined;
      await scene.store.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'lease', path: 'write', attempt: 1, set: { status: 'fenced', epoch: 2 } }],
        events: [],
      });
    };
    expect(codeOf(await scene.call('complete', completeBody(), token))).toBe('stale_epoch');
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
  });

  it('after the right was taken away is a conflict, and counted as late', async () => {
    const { scene, token } = await running();
    await scene.store.commit({ executionId: EXECUTION_ID, changes: [fenceLease(await scene.lease())], events: [] });
    const answer = await scene.call('complete', completeBody(), token);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'stale_epoch']);
    expect(scene.counted).toEqual(['LateResult']);
    const beat = await scene.call('heartbeat', { epoch: 1, logs: [] }, token);
    expect([beat.status, codeOf(beat)]).toEqual([409, 'stale_epoch']);
  });

  it('with another epoch than that of the lease is refused, and the right one is still taken', async () => {
    const { scene, token } = await running();
    const answer = await scene.call('complete', completeBody({ epoch: 2 }), token);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'stale_epoch']);
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
    expect(await scene.call('complete', completeBody(), token)).toMatchObject({ status: 200 });
    expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'ok' } });
  });

  it('is not followed by anything but its repeat', async () => {
    const { scene, token } = await running();
    await scene.call('complete', completeBody(), token);
    for (const verb of ['heartbeat', 'events']) {
      expect(codeOf(await scene.call(verb, { epoch: 1, logs: [] }, token))).toBe('stale_epoch');
    }
  });
});

describe('a late result', () => {
  const line = { at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text: 'too late' } as const;
  const exit = { reason: 'agent_failed', code: 3 } as const;
  const late = () => completeBody({ exit, logs: [line], output: { text: '{"stolen":true}' } });

  async function fenced() {
    const { scene, token } = await running();
    await scene.store.commit({ executionId: EXECUTION_ID, changes: [fenceLease(await scene.lease())], events: [] });
    return { scene, token };
  }

  it.each([
    ['after the end of the execution', false, 'late_result'],
    ['after its lease was fenced', true, 'stale_epoch'],
  ])('%s is written down for people, and decides nothing', async (_what, isFenced, code) => {
    const { scene, token } = isFenced ? await fenced() : await running();
    await set(scene, { status: 'cancelled' });
    const before = [await scene.lease(), await scene.execution(), scene.eventTypes()];
    expect(codeOf(await scene.call('complete', late(), token))).toBe(code);
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ status: 'running', lateExit: exit });
    for (const field of ['exit', 'output', 'usage']) expect(attempt).not.toHaveProperty(field);
    expect([await scene.lease(), await scene.execution(), scene.eventTypes()]).toEqual(before);
    expect(scene.logs.lines).toMatchObject([line]);
    expect(scene.counted).toEqual(['LateResult']);
    expect(scene.noticed).toEqual([
      {
        what: 'a sandbox reported after its right to act was gone',
        details: { executionId: EXECUTION_ID, path: 'write', attempt: 1, epoch: 1, exit },
      },
    ]);
  });

  it('keeps the first of two', async () => {
    const { scene, token } = await fenced();
    await scene.call('complete', late(), token);
    await scene.call('complete', completeBody(), token);
    expect(await scene.attempt()).toMatchObject({ lateExit: exit });
    expect(scene.counted).toEqual(['LateResult', 'LateResult']);
  });

  it('has the same answer when it cannot be written down', async () => {
    const { scene, token } = await fenced();
    scene.store.beforeCommit = () => {
      throw new Error('throttled');
    };
    scene.logs.failure = new Error('throttled');
    const answer = await scene.call('complete', late(), token);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'stale_epoch']);
    expect(scene.counted).toEqual(['LateResult', 'LogsNotWritten']);
    expect(scene.failures).toHaveLength(2);
  });

  it('is nothing that is believed of who has no session of the lease', async () => {
    const { scene } = await fenced();
    const forged = formatSessionToken({ executionId: EXECUTION_ID, path: 'write', attempt: 1 }, 'x'.repeat(43));
    expect(codeOf(await scene.call('complete', late(), forged))).toBe('invalid_session');
    expect(await scene.attempt()).not.toHaveProperty('lateExit');
    expect([scene.counted, scene.logs.lines]).toEqual([[], []]);
  });
});

describe('output', () => {
  it.each([
    ['is not JSON', 'hello'],
    ['is empty', ''],
    ['holds a number beyond JSON', '[1e999]'],
    ['is nested too deep', '['.repeat(300) + ']'.repeat(300)],
  ])('that %s keeps the exit and fails the step', async (_what, text) => {
    const { scene, token } = await running();
    expect(await scene.call('complete', completeBody({ output: { text } }), token)).toMatchObject({ status: 200 });
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ exit: { reason: 'ok' }, error: { code: 'invalid_output' } });
    expect(attempt).not.toHaveProperty('output');
    if (text === 'hello') expect(attempt.error?.message).not.toContain('hello');
  });

  it('that the runner could not take fails the step with its code', async () => {
    const { scene, token } = await running();
    const outputError = { code: 'output_too_large', message: '11 MiB' } as const;
    await scene.call('complete', completeBody({ outputError }), token);
    expect(await scene.attempt()).toMatchObject({ exit: { reason: 'ok' }, error: outputError });
  });

  it('that is bad does not hide why the agent failed', async () => {
    const { scene, token } = await running();
    const exit = { reason: 'agent_failed', code: 3 } as const;
    await scene.call('complete', completeBody({ exit, output: { text: 'half a fi' } }), token);
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ exit });
    expect(attempt).not.toHaveProperty('error');
  });

  it('that was uploaded is read and stored', async () => {
    const { scene, token } = await running();
    const text = JSON.stringify('y'.repeat(50_000));
    const key = `uploads/report/one/write/1/output-${sha256(text)}.json`;
    scene.blobs.uploads.set(key, text);
    const output = { key, sha256: sha256(text), bytes: text.length };
    expect(await scene.call('complete', completeBody({ output }), token)).toMatchObject({ status: 200 });
    const stored = (await scene.attempt()).output;
    if (stored === undefined) throw new Error('no output');
    expect(await scene.blobs.get(EXECUTION_ID, stored)).toBe('y'.repeat(50_000));
  });

  it.each([
    ['was never uploaded', 1, '"other"'],
    ['belongs to another attempt', 2, '"x"'],
  ])('that %s is refused', async (_what, attempt, uploaded) => {
    const { scene, token } = await running();
    const key = `uploads/report/one/write/${attempt}/output-${sha256('"x"')}.json`;
    scene.blobs.uploads.set(key.replace(sha256('"x"'), sha256(uploaded)), uploaded);
    const output = { key, sha256: sha256('"x"'), bytes: 3 };
    const answer = await scene.call('complete', completeBody({ output }), token);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
  });

  it.each([
    ['ok with a code', { reason: 'ok', code: 3 }],
    ['a failure with 0', { reason: 'agent_failed', code: 0 }],
    ['what only the control plane finds', { reason: 'lost', code: null }],
  ])('of %s is refused', async (_what, exit) => {
    const { scene, token } = await running();
    const answer = await scene.call('complete', { ...completeBody(), exit }, token);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});
