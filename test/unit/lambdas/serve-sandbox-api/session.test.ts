import { describe, expect, it } from 'vitest';
import type { HeartbeatAnswer, UrlsAnswer } from '../../../../lib/sandbox/protocol.ts';
import { formatSessionToken } from '../../../../lib/sandbox/session-token.ts';
import { claimed, codeOf, EXECUTION_ID, type Scene, STEP, sandboxScene } from '../../../_helpers/sandbox-scene.ts';

const LINE = { at: '2026-01-01T00:00:00.000Z', stream: 'stdout', text: 'hello' } as const;

async function beat(scene: Scene, token: string, epoch = 1): Promise<HeartbeatAnswer> {
  const { status, body } = await scene.call('heartbeat', { epoch, logs: [] }, token);
  expect(status).toBe(200);
  return body as unknown as HeartbeatAnswer;
}

describe('a session', () => {
  it.each(['heartbeat', 'events', 'urls', 'complete'])('is needed for %s', async (verb) => {
    const scene = await sandboxScene();
    await claimed(scene);
    const body = {
      epoch: 1,
      logs: [],
      purpose: 'output',
      bytes: 1,
      sha256: 'a'.repeat(64),
      exit: { reason: 'ok', code: 0 },
      output: null,
      usage: { wallMs: 1, stdoutBytes: 0, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false },
    };
    const forged = formatSessionToken({ executionId: EXECUTION_ID, path: STEP, attempt: 1 }, 'x'.repeat(43));
    for (const token of [undefined, 'nonsense', forged]) {
      const answer = await scene.call(verb, body, token);
      expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
    }
  });

  it('ends after 15 minutes', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    scene.clock.advance(15 * 60);
    const answer = await scene.call('heartbeat', { epoch: 1, logs: [] }, sessionToken);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
  });

  it('is refused with an old epoch', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const answer = await scene.call('heartbeat', { epoch: 2, logs: [LINE] }, sessionToken);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'stale_epoch']);
    expect(scene.logs.lines).toEqual([]);
  });
});

describe('a heartbeat', () => {
  it('keeps the lease also while its log lines cannot be written', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    scene.clock.advance(30);
    scene.logs.failure = new Error('throttled');
    const answer = await scene.call('heartbeat', { epoch: 1, logs: [LINE] }, sessionToken);
    expect(answer).toMatchObject({ status: 200, body: { logsWritten: false } });
    expect(scene.counted).toEqual(['LogsNotWritten']);
    expect(await scene.lease()).toMatchObject({ lastHeartbeatAt: '2026-01-01T00:00:30.000Z' });
  });

  it('keeps the lease and writes the lines, without an event', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    scene.clock.advance(30);
    const { body } = await scene.call('heartbeat', { epoch: 1, logs: [LINE] }, sessionToken);
    expect(body).toEqual({
      sessionExpiresAt: '2026-01-01T00:15:00.000Z',
      outcomeUrl: expect.stringContaining('/outcome-'),
      logsWritten: true,
    });
    expect(await scene.lease()).toMatchObject({
      lastHeartbeatAt: '2026-01-01T00:00:30.000Z',
      checkAt: '2026-01-01T00:06:30.000Z',
    });
    expect(scene.logs.lines).toEqual([{ ...LINE, executionId: EXECUTION_ID, stepPath: STEP, attempt: 1 }]);
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started']);
  });

  it('renews the token at half of its life, and the old one stays good until its own end', async () => {
    const scene = await sandboxScene();
    const first = (await claimed(scene)).sessionToken;
    scene.clock.advance(449);
    expect(await beat(scene, first)).not.toHaveProperty('sessionToken');
    scene.clock.advance(1);
    const renewed = await beat(scene, first);
    expect(renewed.sessionExpiresAt).toBe('2026-01-01T00:22:30.000Z');
    const second = renewed.sessionToken;
    if (second === undefined) throw new Error('not renewed');
    expect(await beat(scene, second)).not.toHaveProperty('sessionToken');
    // The answer with the second was lost: the runner comes with the first, and gets a third.
    expect(await beat(scene, first)).toHaveProperty('sessionToken');
    scene.clock.advance(450);
    expect(await scene.call('events', { epoch: 1, logs: [] }, first)).toMatchObject({ status: 401 });
  });

  it('says that the agent has to end when the execution is ending', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const actor = { type: 'person', id: 'ada', via: 'api' } as const;
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { ending: { status: 'cancelled', actor, reason: 'enough' } } }],
      events: [],
    });
    expect((await beat(scene, sessionToken)).stop).toBe('the execution is ending: enough');
  });

  it('takes no more lines than a chunk', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const logs = Array.from({ length: 5 }, () => ({ ...LINE, text: 'x'.repeat(60_000) }));
    const answer = await scene.call('events', { epoch: 1, logs }, sessionToken);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});

describe('an upload URL', () => {
  it('is bound to the attempt and the bytes', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const sha256 = 'b'.repeat(64);
    const { body } = await scene.call('urls', { epoch: 1, purpose: 'output', bytes: 50_000, sha256 }, sessionToken);
    const answer = body as unknown as UrlsAnswer;
    expect(answer.key).toBe(`uploads/report/one/write/1/output-${sha256}.json`);
    expect(answer.headers['content-length']).toBe('50000');
  });

  it('is not given for more than 10 MiB', async () => {
    const scene = await sandboxScene();
    const { sessionToken } = await claimed(scene);
    const bytes = 10 * 1024 * 1024 + 1;
    const answer = await scene.call(
      'urls',
      { epoch: 1, purpose: 'output', bytes, sha256: 'b'.repeat(64) },
      sessionToken,
    );
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
  });
});
