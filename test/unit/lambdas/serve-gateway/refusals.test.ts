import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { isModelAllowed } from '../../../../lib/model-calls/allowed-models.ts';
import { formatSessionToken } from '../../../../lib/sandbox/session-token.ts';
import { type GatewayScene, gatewayScene } from '../../../_helpers/gateway-scene.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000 };
const USED = '{"usage":{"input":1000,"output":1000}}';

async function expectRefused(scene: GatewayScene, response: Response, status: number, code: string): Promise<void> {
  expect([response.status, response.headers.get('x-wflo-error')]).toEqual([status, code]);
  expect(((await response.json()) as { error: { code: string } }).error.code).toBe(code);
  expect(scene.upstream.requests).toEqual([]);
  expect(await scene.holds()).toEqual([]);
}

describe('a call is refused before anything is called', () => {
  it.each([
    ['without a token', { token: '' }, 401, 'invalid_session'],
    ['with a token that is none', { token: 'sk-1234' }, 401, 'invalid_session'],
    [
      'with a guessed secret',
      { token: formatSessionToken({ executionId: 'report:one', path: 'write', attempt: 1 }, 'x'.repeat(43)) },
      401,
      'invalid_session',
    ],
    [
      'with the token of another execution',
      { token: formatSessionToken({ executionId: 'report:two', path: 'write', attempt: 1 }, 's'.repeat(43)) },
      401,
      'invalid_session',
    ],
    ['under an epoch that is over', { epoch: 0 }, 409, 'stale_epoch'],
    ['under an epoch that is not there yet', { epoch: 2 }, 409, 'stale_epoch'],
    ['to a path that no format serves', { path: '/v1/files' }, 404, 'invalid_request'],
    ['to a path that leads elsewhere', { path: '/v1/chat/completions/../../secret' }, 404, 'invalid_request'],
    ['by another method', { method: 'PUT' }, 404, 'invalid_request'],
    ['with a path that is not encoded', { path: '/v1/%E0%A4%A' }, 400, 'invalid_request'],
  ] as const)('%s', async (_name, options, status, code) => {
    const scene = await gatewayScene();
    await expectRefused(scene, await scene.call(CALL, options), status, code);
  });

  it.each([
    ['a model that the price book does not have', { ...CALL, model: 'plain-2' }, 404, 'unknown_model'],
    ['what is not JSON', '{"model":', 400, 'invalid_request'],
    ['what is not UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 400, 'invalid_request'],
    ['a body of 20 MB', new Uint8Array(20 * 1024 * 1024), 413, 'payload_too_large'],
  ] as const)('%s', async (_name, body, status, code) => {
    const scene = await gatewayScene();
    await expectRefused(scene, await scene.call(body), status, code);
  });

  it('a body that is longer than its head says', async () => {
    const scene = await gatewayScene();
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
    });
    const request = new Request('http://gateway/models/openai/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-length': '10', authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' },
      body,
      duplex: 'half',
    } as RequestInit & { duplex: 'half' });
    await expectRefused(scene, await scene.gateway.app.fetch(request), 413, 'payload_too_large');
  });

  it('of a provider that there is not', async () => {
    const scene = await gatewayScene();
    expect((await scene.gateway.app.request('http://gateway/models/nobody/v1/x', { method: 'POST' })).status).toBe(404);
    expect((await scene.gateway.app.request('http://gateway/other')).status).toBe(404);
  });

  it.each([
    ['a fenced lease', { status: 'fenced' }, 409, 'stale_epoch'],
    ['a lease that nobody has claimed', { status: 'offered' }, 409, 'stale_epoch'],
    ['a lease that was completed', { status: 'completed' }, 409, 'stale_epoch'],
  ] as const)('under %s', async (_name, lease, status, code) => {
    const scene = await gatewayScene({ lease });
    await expectRefused(scene, await scene.call(CALL), status, code);
  });

  it('after the session has ended', async () => {
    let now = new Date('2026-11-26T10:00:00.000Z');
    const scene = await gatewayScene({ clock: { now: () => now } });
    now = new Date('2026-11-26T10:15:00.000Z');
    await expectRefused(scene, await scene.call(CALL), 401, 'invalid_session');
  });

  it('of a step that may call no model at all', async () => {
    const scene = await gatewayScene({ access: null });
    await expectRefused(scene, await scene.call(CALL), 403, 'model_not_allowed');
  });

  it.each([[[]], [['gpt-*', 'claude-*']], [['plain']]])('of a step that declares %j', async (models) => {
    const scene = await gatewayScene({ access: { models } });
    await expectRefused(scene, await scene.call(CALL), 403, 'model_not_allowed');
  });

  it('to a provider whose key is not there', async () => {
    const scene = await gatewayScene();
    scene.keys.current = undefined;
    await expectRefused(scene, await scene.call(CALL), 503, 'provider_not_configured');
  });

  it.each([
    ['ledger_busy', 503, '2'],
    ['ledger_unreachable', 503, '5'],
  ] as const)('where the ledger is %s', async (code, status, retryAfter) => {
    const scene = await gatewayScene();
    scene.ledger.failure = new WfloError(code, 'the ledger does not answer');
    const response = await scene.call(CALL);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    scene.ledger.failure = undefined;
    await scene.gateway.idle();
    await expectRefused(scene, response, status, code);
  });

  it('once the gateway is stopping', async () => {
    const scene = await gatewayScene();
    await scene.gateway.stop(1000);
    await expectRefused(scene, await scene.call(CALL), 503, 'provider_failed');
  });

  it('by the stored lease, where what is remembered of it is out of date', async () => {
    const scene = await gatewayScene({ budget: { limit: usd(1) } });
    scene.upstream.script({ acts: [USED] });
    await (await scene.call(CALL)).text();
    await scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'lease', path: 'write', attempt: 1, set: { status: 'fenced', epoch: 2 } }],
      events: [],
    });
    const response = await scene.call(CALL);
    expect([response.status, response.headers.get('x-wflo-error')]).toEqual([409, 'stale_epoch']);
    expect(scene.upstream.requests).toHaveLength(1);
    expect(await scene.holds()).toEqual([]);
    // And it is not remembered any longer.
    scene.trips.length = 0;
    await scene.call(CALL);
    expect(scene.trips).toEqual(['store.getLease']);
  });

  it('when it asks for more than fits, with the most that would', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') } });
    const response = await scene.call(CALL);
    const { error } = (await response.json()) as { error: { budget: object } };
    expect(response.status).toBe(402);
    expect(error.budget).toMatchObject({
      code: 'budget_exhausted',
      scope: { kind: 'execution', executionId: 'report:one' },
      limit: usd('0.05'),
      spent: 0,
      held: 0,
      needed: usd('0.09'),
      // $0.05 less $0.03 for the input leaves $0.02, at $0.06 for a thousand.
      fittingOutputTokens: 333,
    });
  });

  it('of which one million tokens against a hundredth of a cent is one', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.0001') } });
    await expectRefused(scene, await scene.call({ ...CALL, output: 100_000 }), 402, 'budget_exhausted');
  });

  it('faster than its step allows', async () => {
    const scene = await gatewayScene({ budget: { limit: usd(1) }, access: { rate: { requestsPerMinute: 1 } } });
    scene.upstream.script({ acts: [USED] });
    await (await scene.call(CALL)).text();
    const response = await scene.call(CALL);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.headers.get('x-wflo-error')).toBe('rate_limited');
  });
});

describe('models of a step', () => {
  it.each([
    [['gpt-4o'], 'gpt-4o', true],
    [['gpt-4o'], 'gpt-4o-mini', false],
    [['gpt-*'], 'gpt-4o-mini', true],
    [['gpt-*'], 'xgpt-4o', false],
    [['*-mini'], 'gpt-4o-mini', true],
    [['gpt-*-mini'], 'gpt-mini', false],
    [['g*t*o'], 'gpt-4o', true],
    [['a*a'], 'a', false],
    [['*'], 'anything', true],
    [['gpt.4o'], 'gptx4o', false],
    [[`${'*a'.repeat(50)}b`], 'a'.repeat(5000), false],
    [[], 'gpt-4o', false],
  ])('%j and %s: %s', (patterns, model, allowed) => {
    expect(isModelAllowed(patterns, model)).toBe(allowed);
  });

  it('are listed as OpenAI lists them', async () => {
    const scene = await gatewayScene();
    const list = await scene.call(null, { method: 'GET', path: '/v1/models' });
    expect(await list.json()).toEqual({
      object: 'list',
      data: [{ id: 'plain-1', object: 'model', created: 0, owned_by: 'openai' }],
    });
    const one = await scene.call(null, { method: 'GET', path: '/v1/models/plain-1' });
    expect(await one.json()).toMatchObject({ id: 'plain-1' });
    const none = await scene.call(null, { method: 'GET', path: '/v1/models/other' });
    expect(none.status).toBe(404);
    const stranger = await scene.call(null, { method: 'GET', path: '/v1/models', token: 'none' });
    expect(stranger.status).toBe(401);
  });
});
