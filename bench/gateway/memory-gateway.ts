import { createGateway } from '../../lambdas/serve-gateway/app.ts';
import { serveGateway } from '../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../lambdas/serve-gateway/node-upstream.ts';
import { usd } from '../../lib/budget/money.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { FORMATS } from '../../lib/model-calls/formats.ts';
import { gatewayScene } from '../../test/_helpers/gateway-scene.ts';

/**
 * The gateway over a ledger in memory, in front of the provider at the address of the first argument: everything but the
 * round trips to a store. Tells its parent where it is, what calls need, and on demand how much memory it takes.
 */
const baseUrl = process.argv[2] ?? '';
const scene = await gatewayScene({ budget: { limit: usd(1_000_000) }, access: { models: ['gpt-*'] } });
const gateway = createGateway({
  ...scene.ports,
  ledger: scene.ledger,
  executions: scene.store,
  keys: {
    get: async () => ({ baseUrl, authorise: async () => ({ authorization: 'Bearer key' }) }),
    renewed: async () => undefined,
  },
  upstream: nodeUpstream(),
  prices: priceBook(),
  formats: FORMATS,
  signals: { count: () => {}, called: () => {}, noticed: () => {}, failed: console.error },
});
const { port } = await serveGateway(gateway, 0);
process.on('message', () => process.send?.({ rssMib: process.memoryUsage.rss() / 1024 / 1024 }));
process.send?.({ port, headers: { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' } });
