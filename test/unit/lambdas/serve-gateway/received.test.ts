import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { REQUEST_LIMIT_BYTES } from '../../../../lambdas/serve-gateway/limits.ts';
import { type GatewayServer, serveGateway } from '../../../../lambdas/serve-gateway/node-server.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { type GatewayScene, gatewayScene } from '../../../_helpers/gateway-scene.ts';

const NINE_CENTS = JSON.stringify({ model: 'plain-1', input: 1000, output: 1000 });
const USED = '{"usage":{"input":1000,"output":1000}}';

let server: GatewayServer | undefined;
afterEach(() => server?.stop(0));

/** In pieces: without a length that the server could refuse it by. */
async function send(
  scene: GatewayScene,
  pieces: readonly (string | Buffer)[],
): Promise<{ status: number; text: string }> {
  server = await serveGateway(scene.gateway, 0);
  const { port } = server;
  return new Promise((resolve, reject) => {
    const call = request(
      `http://127.0.0.1:${port}/models/openai/v1/chat/completions`,
      { method: 'POST', headers: { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' } },
      (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    call.on('error', reject);
    for (const piece of pieces) call.write(piece);
    call.end();
  });
}

describe('a request that comes over a connection', () => {
  it('is read whole, however it was cut', async () => {
    const scene = await gatewayScene();
    scene.upstream.script({ acts: [USED] });
    const answer = await send(scene, [NINE_CENTS.slice(0, 9), NINE_CENTS.slice(9)]);
    expect(answer).toEqual({ status: 200, text: USED });
    expect(await scene.spent()).toBe(usd('0.09'));
  });

  it('is refused where it is too large, though its head does not say so', async () => {
    const scene = await gatewayScene();
    const answer = await send(scene, [Buffer.alloc(REQUEST_LIMIT_BYTES, 0x20), NINE_CENTS]);
    expect(answer.status).toBe(413);
    expect(scene.upstream.requests).toHaveLength(0);
  });
});
