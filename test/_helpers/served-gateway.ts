import { createGateway, type GatewayApp } from '../../lambdas/serve-gateway/app.ts';
import { type GatewayServer, type RequestTimes, serveGateway } from '../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../lambdas/serve-gateway/node-upstream.ts';
import { FORMATS } from '../../lib/model-calls/formats.ts';
import { type GatewayScene, gatewayScene, type SceneOptions } from './gateway-scene.ts';
import type { ProviderCall } from './provider-calls.ts';
import { providerKeysAt } from './provider-keys-at.ts';
import { ScriptedProvider } from './scripted-provider/scripted-provider.ts';
import { testPrices } from './test-prices.ts';

export interface ServedGateway extends GatewayScene {
  readonly provider: ScriptedProvider;
  readonly served: GatewayApp;
  readonly server: GatewayServer;
  readonly url: string;
  /** Of a call of the step. */
  readonly authorization: Readonly<Record<string, string>>;
  ask(
    call: ProviderCall,
    change?: Partial<Pick<ProviderCall, 'path' | 'headers'>>,
    body?: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Response>;
  close(): Promise<void>;
}

/** The gateway with all its wire formats and the prices of the tests, in front of the scripted provider: two servers. */
export async function servedGateway(options: SceneOptions = {}, times?: RequestTimes): Promise<ServedGateway> {
  const provider = await ScriptedProvider.start();
  const scene = await gatewayScene({ ...options, access: { models: ['*'], ...options.access } });
  const upstream = nodeUpstream();
  const keys = providerKeysAt(provider.url);
  const served = createGateway({ ...scene.ports, keys, upstream, prices: testPrices(), formats: FORMATS });
  const server = await serveGateway(served, 0, times);
  const url = `http://127.0.0.1:${server.port}`;
  const authorization = { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' };
  return {
    ...{ ...scene, provider, served, server, url, authorization },
    ask: (call, change = {}, body, signal) =>
      fetch(`${url}${change.path ?? call.path}`, {
        method: 'POST',
        headers: { ...call.headers, ...authorization, ...change.headers },
        body: (body as Uint8Array<ArrayBuffer> | undefined) ?? JSON.stringify(call.body),
        ...(signal === undefined ? {} : { signal }),
      }),
    async close() {
      await server.stop(100);
      upstream.close();
      await provider.stop();
    },
  };
}
