import { describe, expect, it } from 'vitest';
import { createGateway } from '../../../../lambdas/serve-gateway/app.ts';
import { rememberedLeases } from '../../../../lambdas/serve-gateway/lease.ts';
import { usd } from '../../../../lib/budget/money.ts';
import type { Ledger } from '../../../../lib/ports.ts';
import { formatSessionToken } from '../../../../lib/sandbox/session-token.ts';
import { EXECUTION_ID, type GatewayScene, gatewayScene } from '../../../_helpers/gateway-scene.ts';
import { plainFormat } from '../../../_helpers/plain-format.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000 };

/** A second gateway over the same scene, some of whose ports are others. */
function gatewayOf(scene: GatewayScene, ports: Partial<GatewayScene['ports']>) {
  const gateway = createGateway({ ...scene.ports, ...ports });
  const ask = async (signal?: AbortSignal) =>
    gateway.app.request('http://gateway/models/openai/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' },
      body: JSON.stringify(CALL),
      ...(signal === undefined ? {} : { signal }),
    });
  return { gateway, ask };
}

/** A ledger whose reservations wait, once they are made, until they are let go. */
function slowLedger(ledger: Ledger) {
  let letGo: () => void = () => {};
  const waiting = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let reserved: () => void = () => {};
  const made = new Promise<void>((resolve) => {
    reserved = resolve;
  });
  const slow: Ledger = new Proxy(ledger, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property !== 'reserve') return typeof value === 'function' ? value.bind(target) : value;
      return async (request: Parameters<Ledger['reserve']>[0]) => {
        const result = await target.reserve(request);
        reserved();
        await waiting;
        return result;
      };
    },
  });
  return { slow, made, letGo: () => letGo() };
}

describe('a hold', () => {
  it('is given back where the client went away before the call was sent', async () => {
    const scene = await gatewayScene();
    const { slow, made, letGo } = slowLedger(scene.ledger);
    const { gateway, ask } = gatewayOf(scene, { ledger: slow });
    const leaving = new AbortController();
    const answer = ask(leaving.signal);
    await made;
    expect(await scene.held()).toBe(usd('0.09'));
    leaving.abort();
    letGo();
    await answer;
    await gateway.idle();
    expect(scene.upstream.requests).toEqual([]);
    expect([await scene.spent(), await scene.held(), await scene.holds()]).toEqual([0, 0, []]);
    expect(scene.lines).toMatchObject([{ clientGone: true }]);
    expect(scene.counted).not.toContain('ProviderFailed');
  });

  it('that is made while the gateway stops is given back, and the gateway ends', async () => {
    const scene = await gatewayScene();
    const { slow, made, letGo } = slowLedger(scene.ledger);
    const { gateway, ask } = gatewayOf(scene, { ledger: slow });
    const answer = ask();
    await made;
    const stopped = gateway.stop(10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // By now everything that had begun was ended.
    letGo();
    expect((await answer).status).toBe(502);
    await stopped;
    expect(scene.upstream.requests).toEqual([]);
    expect([await scene.spent(), await scene.held(), await scene.holds()]).toEqual([0, 0, []]);
  });

  it('stays in full where the gateway fails to read an answer', async () => {
    const scene = await gatewayScene();
    const broken = (name: 'meter' | 'begin' | 'push' | 'end' | 'result') => ({
      ...plainFormat,
      parse: (...asked: Parameters<typeof plainFormat.parse>) => {
        const call = plainFormat.parse(...asked);
        return {
          ...call,
          meter: () => {
            if (name === 'meter') throw new Error('a bug');
            const meter = call.meter();
            meter[name] = () => {
              throw new Error('a bug');
            };
            return meter;
          },
        };
      },
    });
    for (const name of ['meter', 'begin', 'push', 'end', 'result'] as const) {
      const one = await gatewayScene();
      one.upstream.script({ acts: ['{"usage":{"input":1000,"output":500}}'] });
      const { gateway, ask } = gatewayOf(one, { formats: [broken(name)] });
      await (await ask()).text().catch(() => undefined);
      await gateway.idle();
      expect([name, (await one.holds()).map(({ state }) => state), await one.held()]).toEqual([
        name,
        ['unsettled'],
        usd('0.09'),
      ]);
    }
    expect(await scene.holds()).toEqual([]);
  });

  it('is closed where a provider answers without a body', async () => {
    for (const status of [204, 205]) {
      const scene = await gatewayScene();
      scene.upstream.script({ status, acts: [] });
      const response = await scene.call(CALL);
      expect([response.status, await response.text()]).toEqual([status, '']);
      await scene.gateway.idle();
      expect((await scene.holds()).map(({ state }) => state)).toEqual(['unsettled']);
      expect(scene.failures).toEqual([]);
    }
  });
});

it('guessed tokens do not make the gateway forget those that are right', async () => {
  const scene = await gatewayScene();
  const leases = rememberedLeases({ executions: scene.store, clock: scene.ports.clock });
  const decide = (token: string) => leases.decide(`Bearer ${token}`, '1');
  expect(await decide(scene.token)).toMatchObject({ kind: 'caller' });
  for (let guess = 0; guess < 10_001; guess++) {
    const secret = String(guess).padStart(43, '0');
    await decide(formatSessionToken({ executionId: EXECUTION_ID, path: 'write', attempt: 1 }, secret));
  }
  let reads = 0;
  const getLease = scene.store.getLease.bind(scene.store);
  scene.store.getLease = (...asked) => {
    reads += 1;
    return getLease(...asked);
  };
  expect(await decide(scene.token)).toMatchObject({ kind: 'caller' });
  expect(reads).toBe(0);
});
