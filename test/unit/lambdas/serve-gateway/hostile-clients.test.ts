import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { type ServedGateway, servedGateway } from '../../../_helpers/served-gateway.ts';

/** What no SDK sends, written to the socket as it is. */

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function world(...options: Parameters<typeof servedGateway>): Promise<ServedGateway> {
  const served = await servedGateway({ budget: { limit: usd(10) }, ...options[0] }, options[1]);
  closing.push(served.close);
  return served;
}

const PATH = '/models/openai/v1/chat/completions';
const BODY = JSON.stringify({ model: 'scripted-1', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10 });

function head(one: ServedGateway, lines: readonly string[] = [], first = `POST ${PATH} HTTP/1.1`): string {
  const all = [
    first,
    'host: gateway',
    `authorization: ${one.authorization.authorization}`,
    'x-wflo-epoch: 1',
    'content-type: application/json',
    ...lines,
  ];
  return `${all.join('\r\n')}\r\n\r\n`;
}

/** Everything that comes back until the gateway closes the connection, or until `enough`. */
function exchange(one: ServedGateway, sent: string, enough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(one.server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (enough(text)) socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.once('close', () => resolve(text));
    socket.write(sent, 'latin1');
  });
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
const answered = (text: string) => text.includes('\r\n\r\n');

async function expectNothingCalled(one: ServedGateway): Promise<void> {
  expect(one.provider.requests).toEqual([]);
  expect(await one.holds()).toEqual([]);
  expect(await one.entries()).toEqual([]);
  expect(one.failures).toEqual([]);
}

async function expectStillServing(one: ServedGateway): Promise<void> {
  const text = await exchange(one, head(one, [`content-length: ${BODY.length}`]) + BODY, answered);
  expect(statusOf(text)).toBe(200);
}

describe('a client', () => {
  it('without a token is refused before any of its body is read', async () => {
    const one = await world();
    const stranger = { ...one, authorization: { authorization: 'Bearer sk-guess' } };
    const text = await exchange(one, head(stranger, ['content-length: 5000000']), answered);
    expect(statusOf(text)).toBe(401);
    expect(one.trips).toEqual([]);
    await expectNothingCalled(one);
  });

  it('without a token cannot make its body pass for the request of somebody else', async () => {
    const one = await world();
    const stranger = { ...one, authorization: { authorization: 'Bearer sk-guess' } };
    const hidden = head(one, [`content-length: ${BODY.length}`]) + BODY;
    const last = `GET /nowhere HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n`;
    const text = await exchange(one, head(stranger, [`content-length: ${hidden.length}`]) + hidden + last);
    expect([...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(['401', '404']);
    await expectNothingCalled(one);
  });

  it.each([
    ['two lengths', ['content-length: 5', `content-length: ${BODY.length}`]],
    ['a length and chunks', [`content-length: ${BODY.length}`, 'transfer-encoding: chunked']],
    ['a length that is none', ['content-length: 1e3']],
    ['chunks that are none', ['transfer-encoding: chunked']],
    ['an encoding that nobody knows', ['transfer-encoding: chunked, identity']],
    ['a folded header', ['x-a: b\r\n transfer-encoding: chunked']],
    ['a header with a line feed alone', [`x-a: b\ncontent-length: ${BODY.length}`]],
  ])('with %s is not understood in two ways', async (_name, lines) => {
    const one = await world();
    const text = await exchange(one, head(one, lines) + BODY, answered);
    // What is cut off, or has no body at all, is no call either.
    expect([0, 400, 408]).toContain(statusOf(text) || 0);
    expect(one.provider.requests).toEqual([]);
    expect(await one.holds()).toEqual([]);
    await expectStillServing(one);
  });

  it('with 20 KB of headers', async () => {
    const one = await world();
    const text = await exchange(one, head(one, [`x-padding: ${'x'.repeat(20_000)}`]), answered);
    expect(statusOf(text)).toBe(431);
    await expectNothingCalled(one);
    await expectStillServing(one);
  });

  const times = { headMs: 150, wholeMs: 300, lookMs: 25 };
  it.each([
    ['its head', (one: ServedGateway) => head(one).slice(0, -4)],
    ['its body', (one: ServedGateway) => `${head(one, ['content-length: 1000'])}{"model":`],
    ['a chunk', (one: ServedGateway) => `${head(one, ['transfer-encoding: chunked'])}9\r\n{"model":\r\n`],
  ])('that never ends %s is left', async (_name, sent) => {
    const one = await world({}, times);
    const before = performance.now();
    await exchange(one, sent(one));
    expect(performance.now() - before).toBeLessThan(5_000);
    await expectNothingCalled(one);
    await expectStillServing(one);
  });

  it('that takes long to send does not keep the gateway from being stopped', async () => {
    const one = await world();
    const ended = exchange(one, `${head(one, ['content-length: 1000'])}{"model":`);
    // The lease was read, so the body is being waited for.
    await expect.poll(() => one.trips).toEqual(['store.getLease']);
    const before = performance.now();
    await one.server.stop(50);
    expect(performance.now() - before).toBeLessThan(5_000);
    await ended;
    await expectNothingCalled(one);
  });

  it.each([
    ['POST', '/models/openai/v1/chat/completions%00'],
    ['POST', '/models/openai/v1/chat/completions/'],
    ['POST', '/models/openai/v1/chat/completions;a=b'],
    ['POST', '/models/openai/v1/chat/completions%2f..%2f..%2ffiles'],
    ['POST', '/models/openai/v1/chat/completions%252f..'],
    ['POST', '/models/openai%2fv1/chat/completions'],
    ['POST', '/models/OPENAI/v1/chat/completions'],
    ['POST', '/models/openai//v1/chat/completions'],
    ['POST', '/models/openai/https://api.openai.com/v1/chat/completions'],
    ['POST', '/models/__proto__/v1/chat/completions'],
    ['POST', '/models/bedrock/model/amazon.nova-lite-v1:0%2f..%2f..%2fadmin/converse'],
    ['POST', '/models/bedrock/model/arn:aws:bedrock:us-east-1::foundation-model%2fa/converse'],
    ['POST', '/models/bedrock/model/%0d%0ax-a:b/converse'],
    ['POST', '/models/gemini/v1beta/models/..%2f..%2fadmin:generateContent'],
    ['POST', '/models/gemini/v1beta/models/gemini-2.5-flash:generateContent%3Fkey=a'],
    ['POST', '//elsewhere.example/v1/chat/completions'],
    ['POST', 'http://elsewhere.example/v1/chat/completions'],
    ['POST', 'http://:'],
    ['OPTIONS', '*'],
    ['TRACE', PATH],
    ['GET', PATH],
    ['DELETE', '/models/openai/v1/models/gpt-5'],
  ])('that asks for %s %s gets no further', async (method, target) => {
    const one = await world();
    const sent = head(one, [`content-length: ${BODY.length}`], `${method} ${target} HTTP/1.1`) + BODY;
    const status = statusOf(await exchange(one, sent, answered));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    await expectNothingCalled(one);
    await expectStillServing(one);
  });
});
