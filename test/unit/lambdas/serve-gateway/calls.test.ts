import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { gatewayScene } from '../../../_helpers/gateway-scene.ts';

/** 1,000 in and 1,000 out at $0.03 and $0.06 for a thousand: $0.09. */
const NINE_CENTS = { model: 'plain-1', input: 1000, output: 1000 };
const USED = '{"usage":{"input":1000,"output":1000}}';

describe('a model call', () => {
  it('is held before it leaves, and settled exactly', async () => {
    const scene = await gatewayScene();
    const heldAtDispatch: number[] = [];
    scene.upstream.script({ acts: ['{"text":"hello"}\n', '{"usage":{"input":900,"output":10}}'] });
    scene.upstream.onRequest = () => void scene.held().then((held) => heldAtDispatch.push(held));

    const response = await scene.call({ ...NINE_CENTS, noted: true });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{"text":"hello"}\n{"usage":{"input":900,"output":10}}');

    expect(heldAtDispatch).toEqual([usd('0.09')]);
    expect(await scene.spent()).toBe(usd('0.0276'));
    expect(await scene.held()).toBe(0);
    const [entry] = await scene.entries();
    expect(entry).toMatchObject({
      kind: 'call',
      held: usd('0.09'),
      cost: usd('0.0276'),
      source: 'reported',
      usage: { tokens: { input: 900, output: 10 } },
      payer: {
        tenant: 'default',
        workflow: 'report',
        executionId: 'report:one',
        path: 'write',
        attempt: 1,
        agent: 'write',
      },
      purpose: { provider: 'openai', model: 'plain-1', priceBook: 'b'.repeat(64) },
    });
    expect(response.headers.get('x-wflo-call')).toBe(entry?.holdId);
    expect(response.headers.get('x-wflo-max-output-tokens')).toBe('1000');
  });

  it('goes to the provider with the key of the gateway, and none of what the agent sent', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ acts: [USED] });
    await (await scene.call(NINE_CENTS, { headers: { cookie: 'a=b', 'x-api-key': 'wflo' } })).text();
    const [request] = scene.upstream.requests;
    expect(request?.url.href).toBe('https://provider.test/v1/chat/completions');
    expect(request?.headers).toEqual({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      authorization: 'Bearer key-1',
    });
  });

  it('makes two round trips to the stores, and no third', async () => {
    const scene = await gatewayScene({ budget: { limit: usd(10) } });
    scene.upstream.script({ acts: [USED] });
    await (await scene.call(NINE_CENTS)).text();
    scene.trips.length = 0;
    for (let call = 0; call < 5; call++) await (await scene.call(NINE_CENTS)).text();
    expect(scene.trips).toEqual(Array.from({ length: 5 }, () => ['ledger.reserve', 'ledger.settle']).flat());
  });

  it('finds what the call before it left, once that was answered', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ acts: [USED] });
    const statuses: number[] = [];
    const codes: (string | null)[] = [];
    for (let call = 0; call < 10; call++) {
      const response = await scene.call(NINE_CENTS);
      await response.text();
      statuses.push(response.status);
      codes.push(response.headers.get('x-wflo-error'));
    }
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 402)]);
    expect(new Set(codes.slice(1))).toEqual(new Set(['budget_exhausted']));
    expect(scene.upstream.requests).toHaveLength(1);
    expect(await scene.spent()).toBe(usd('0.09'));
  });

  it('of twenty at once against the budget of one, one leaves', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ acts: [{ milliseconds: 20 }, USED] });
    const responses = await Promise.all(Array.from({ length: 20 }, () => scene.call(NINE_CENTS)));
    await Promise.all(responses.map((response) => response.text()));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 402)).toHaveLength(19);
    expect(scene.upstream.requests).toHaveLength(1);
    expect(await scene.spent()).toBe(usd('0.09'));
    expect(await scene.held()).toBe(0);
  });

  it('may spend a budget to its last nano-dollar', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.09') } });
    scene.upstream.script({ acts: [USED] });
    expect((await scene.call(NINE_CENTS)).status).toBe(200);
    await scene.gateway.idle();
    expect(await scene.spent()).toBe(usd('0.09'));
  });

  it('that costs nothing needs no hold', async () => {
    const scene = await gatewayScene({ budget: { limit: usd(0) } });
    scene.upstream.script({ acts: ['{"input_tokens":7}'] });
    const response = await scene.call(NINE_CENTS, { path: '/v1/count' });
    expect(await response.text()).toBe('{"input_tokens":7}');
    expect(scene.trips).toEqual(['store.getLease']);
    expect(response.headers.has('x-wflo-call')).toBe(false);
  });
});
