import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { gatewayScene } from '../../../_helpers/gateway-scene.ts';
import type { Script } from '../../../_helpers/scripted-upstream.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000, stream: true };
const EVENTS = { 'content-type': 'text/event-stream' };
const USED = 'data: {"usage":{"input":1000,"output":500}}\n\n';
const MINUTE = 60_000;

describe('an answer of a provider', () => {
  it('comes as it is produced', async () => {
    const scene = await gatewayScene();
    let go: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { until: waiting }, 'data: 2\n\n', USED] });
    const response = await scene.call(CALL);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n');
    expect(await scene.held()).toBe(usd('0.09'));
    go();
    const rest: string[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read())
      rest.push(new TextDecoder().decode(next.value));
    expect(rest.join('')).toBe(`data: 2\n\n${USED}`);
    expect(await scene.spent()).toBe(usd('0.06'));
  });

  it('passes on what an SDK reads of its head, and nothing of the account', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({
      headers: {
        'x-request-id': 'req-1',
        'x-ratelimit-remaining-tokens': '9',
        'openai-organization': 'org-secret',
        'set-cookie': 'a=b',
        'content-length': '3',
      },
      acts: ['{"usage":{"input":1,"output":1}}'],
    });
    const { headers } = await scene.call(CALL);
    expect(headers.get('x-request-id')).toBe('req-1');
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe('9');
    for (const name of ['openai-organization', 'set-cookie', 'content-length']) expect(headers.has(name)).toBe(false);
  });

  const events = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n', USED, 'data: [DONE]\n\n'];
  it.each(events.map((_event, index) => index))(
    'is read on and settled when the client leaves at event %i',
    async (at) => {
      const scene = await gatewayScene();
      let go: () => void = () => {};
      const waiting = new Promise<void>((resolve) => {
        go = resolve;
      });
      const acts = events.flatMap((event, index) => (index === at ? [event, { until: waiting }] : [event]));
      scene.upstream.script({ headers: EVENTS, acts });
      const response = await scene.call(CALL);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      await reader.cancel();
      go();
      await scene.gateway.idle();
      expect(scene.upstream.aborted).toBe(0);
      expect(await scene.spent()).toBe(usd('0.06'));
      expect(await scene.held()).toBe(0);
      expect(await scene.holds()).toEqual([]);
      expect(scene.counted).toContain('ClientGone');
      expect(scene.lines).toMatchObject([{ outcome: 'settled_reported', clientGone: true, costNanoUsd: usd('0.06') }]);
    },
  );

  it('is read on when the client leaves before there is one', async () => {
    const scene = await gatewayScene();
    let go: () => void = () => {};
    const before = new Promise<void>((resolve) => {
      go = resolve;
    });
    scene.upstream.script({ before, acts: [USED] });
    const client = new AbortController();
    const response = scene.call(CALL, { signal: client.signal });
    await vi.waitFor(() => expect(scene.upstream.requests).toHaveLength(1));
    client.abort();
    go();
    await response.catch(() => undefined);
    await scene.gateway.idle();
    expect(await scene.spent()).toBe(usd('0.06'));
    expect(await scene.held()).toBe(0);
  });

  const ends: readonly (readonly [string, Script, { status: number; spent?: string; unsettled?: boolean }])[] = [
    ['500', { status: 500, acts: ['{"error":"down"}'] }, { status: 500 }],
    ['429', { status: 429, headers: { 'retry-after': '7' }, acts: ['{"error":"slow"}'] }, { status: 429 }],
    ['400', { status: 400, acts: ['{"error":"bad"}'] }, { status: 400 }],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere' }, acts: [] }, { status: 502 }],
    ['no connection', { fails: 'not_sent', acts: [] }, { status: 502 }],
    ['no answer', { fails: 'no_answer', acts: [] }, { status: 502, unsettled: true }],
    ['garbage', { acts: ['\u0000\u0001 not what was asked for'] }, { status: 200, unsettled: true }],
    ['nothing', { acts: [] }, { status: 200, unsettled: true }],
    ['half a stream', { headers: EVENTS, acts: ['data: 1\n\n', 'broken'] }, { status: 200, unsettled: true }],
  ];
  it.each(ends)('that is %s', async (_name, script, expected) => {
    const scene = await gatewayScene();
    scene.upstream.script(script);
    const response = await scene.call(CALL);
    await response.text().catch(() => undefined);
    await scene.gateway.idle();
    expect(response.status).toBe(expected.status);
    expect(await scene.spent()).toBe(0);
    const holds = await scene.holds();
    // What nobody knows stays held in full.
    expect(holds.map(({ state, amount }) => [state, amount])).toEqual(
      expected.unsettled === true ? [['unsettled', usd('0.09')]] : [],
    );
    expect(await scene.held()).toBe(expected.unsettled === true ? usd('0.09') : 0);
    if (script.status === 429) expect(response.headers.get('retry-after')).toBe('7');
  });

  it('that breaks off is seen to have broken off', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { milliseconds: 5 }, 'broken'] });
    const response = await scene.call(CALL);
    await expect(response.text()).rejects.toThrow();
  });

  it('that breaks off is estimated where nothing of it could be hidden', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['0123456789', { milliseconds: 5 }, 'broken'] });
    await (await scene.call({ ...CALL, visible: true })).text().catch(() => undefined);
    await scene.gateway.idle();
    // 1,000 in, and at most one token for each of ten bytes.
    expect(await scene.spent()).toBe(usd('0.0306'));
    expect(await scene.entries()).toMatchObject([
      { source: 'estimated', reason: expect.stringContaining('broke off') },
    ]);
  });

  it('that reports more than was held is spent in full, and its entry says so', async () => {
    const scene = await gatewayScene({ budget: { limit: usd(1) } });
    scene.upstream.script({ acts: ['{"usage":{"input":1000,"output":5000}}'] });
    await (await scene.call(CALL)).text();
    expect(await scene.spent()).toBe(usd('0.33'));
    expect(await scene.entries()).toMatchObject([{ held: usd('0.09'), cost: usd('0.33') }]);
  });

  it('that is settled when the ledger comes back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    try {
      const scene = await gatewayScene();
      scene.upstream.script({
        acts: [
          {
            run: () => {
              scene.ledger.failure = new WfloError('ledger_unreachable', 'gone');
            },
          },
          '{"usage":{"input":1000,"output":500}}',
        ],
      });
      const response = await scene.call(CALL);
      const text = response.text();
      await vi.advanceTimersByTimeAsync(2000);
      expect(await text).toContain('usage');
      scene.ledger.failure = undefined;
      await vi.advanceTimersByTimeAsync(10_000);
      await scene.gateway.idle();
      expect(await scene.spent()).toBe(usd('0.06'));
      expect(await scene.held()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a key of a provider', () => {
  it('that was rotated is read again, and the call made once more', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ status: 401, acts: ['Incorrect API key provided: key-1'] }, { acts: [USED] });
    scene.upstream.onRequest = () => {
      scene.keys.current = 'key-2';
    };
    const response = await scene.call(CALL);
    await response.text();
    expect(response.status).toBe(200);
    expect(scene.upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer key-1',
      'Bearer key-2',
    ]);
    expect(await scene.spent()).toBe(usd('0.06'));
  });

  it('that stands with another address where none answers is read again, and the call made there, once', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ fails: 'not_sent', acts: [] }, { acts: [USED] });
    scene.upstream.onRequest = () => {
      scene.keys.current = 'key-2';
    };
    const response = await scene.call(CALL);
    await response.text();
    expect([response.status, scene.upstream.requests.length]).toEqual([200, 2]);
    expect(await scene.spent()).toBe(usd('0.06'));
  });

  it('that is wrong is not shown to the agent', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ status: 401, acts: ['Incorrect API key provided: key-1'] });
    const response = await scene.call(CALL);
    expect(response.status).toBe(503);
    expect(response.headers.get('x-wflo-error')).toBe('provider_not_configured');
    expect(await response.text()).not.toContain('key-1');
    await scene.gateway.idle();
    expect(await scene.held()).toBe(0);
    expect(scene.upstream.requests).toHaveLength(1);
  });
});

describe('a provider that is silent', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('before its answer: 504 after four and a half minutes, and the call is settled all the same', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ acts: [USED], before: new Promise((resolve) => setTimeout(resolve, 6 * MINUTE)) });
    const response = scene.call({ ...CALL, stream: false });
    await vi.advanceTimersByTimeAsync(4.6 * MINUTE);
    expect((await response).status).toBe(504);
    expect(await scene.held()).toBe(usd('0.09'));
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await scene.gateway.idle();
    expect(await scene.spent()).toBe(usd('0.06'));
    expect(await scene.held()).toBe(0);
  });

  it('within its events: a comment, that changes no event', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { milliseconds: 6 * MINUTE }, USED] });
    const response = await scene.call(CALL);
    const text = response.text();
    await vi.advanceTimersByTimeAsync(7 * MINUTE);
    expect(await text).toBe(`data: 1\n\n: ping\n${USED}`);
    expect(await scene.spent()).toBe(usd('0.06'));
  });

  it('for ten minutes is left, and what it costs stays held', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { until: new Promise(() => {}) }] });
    const response = await scene.call({ ...CALL, visible: true });
    const text = response.text().catch(() => 'broken');
    await vi.advanceTimersByTimeAsync(11 * MINUTE);
    expect(await text).toBe('broken');
    await scene.gateway.idle();
    expect(scene.upstream.aborted).toBe(1);
    expect((await scene.holds()).map(({ state }) => state)).toEqual(['unsettled']);
  });

  it('holds no longer than a function runs', async () => {
    const scene = await gatewayScene();
    const acts = Array.from({ length: 40 }, () => ['data: 1\n\n', { milliseconds: MINUTE }]).flat();
    scene.upstream.script({ headers: EVENTS, acts });
    const response = await scene.call(CALL);
    const text = response.text().catch(() => 'broken');
    await vi.advanceTimersByTimeAsync(15 * MINUTE);
    expect(await text).toBe('broken');
    await scene.gateway.idle();
    expect(scene.upstream.aborted).toBe(1);
  });

  it('keeps its hold alive, as long as it goes on', async () => {
    const scene = await gatewayScene();
    const acts = Array.from({ length: 10 }, () => ['data: 1\n\n', { milliseconds: MINUTE }]).flat();
    scene.upstream.script({ headers: EVENTS, acts: [...acts, USED] });
    const response = await scene.call(CALL);
    const text = response.text();
    const [before] = await scene.holds();
    await vi.advanceTimersByTimeAsync(5.5 * MINUTE);
    const [hold] = await scene.holds();
    expect(Date.parse(hold?.expiresAt ?? '') - Date.parse(before?.expiresAt ?? '')).toBe(5 * MINUTE);
    await vi.advanceTimersByTimeAsync(6 * MINUTE);
    await text;
    expect(await scene.spent()).toBe(usd('0.06'));
  });

  it('is left once the lease of the call is fenced, and nobody knows what it costs', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { milliseconds: 5 * MINUTE }, USED] });
    const response = await scene.call({ ...CALL, visible: true });
    const text = response.text().catch(() => 'broken');
    await scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'lease', path: 'write', attempt: 1, set: { status: 'fenced', epoch: 2 } }],
      events: [],
    });
    await vi.advanceTimersByTimeAsync(1.1 * MINUTE);
    expect(await text).toBe('broken');
    await scene.gateway.idle();
    const [hold] = await scene.holds();
    expect(hold).toMatchObject({ state: 'unsettled', reason: expect.stringContaining('fenced') });
  });

  it('is left when the gateway is stopped, after a while', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ headers: EVENTS, acts: ['data: 1\n\n', { until: new Promise(() => {}) }] });
    const response = await scene.call(CALL);
    const text = response.text().catch(() => 'broken');
    const stopped = scene.gateway.stop(10_000);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(scene.upstream.aborted).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    await stopped;
    expect(await text).toBe('broken');
    expect((await scene.holds()).map(({ state }) => state)).toEqual(['unsettled']);
  });
});
