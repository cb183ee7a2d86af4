import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatBody } from './chat-body.ts';
import type { Server } from './gateways.ts';

/** A stream of which the first bytes have come. */
export interface OpenStream {
  readonly firstByteMs: number;
  /** Until its end. */
  readonly ended: Promise<void>;
}

/** Over a connection of its own. Resolves with the first bytes of the body. */
export function openStream({ url, headers }: Pick<Server, 'url' | 'headers'>, body: string): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const call = request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      agent: false,
    });
    call.once('error', reject);
    call.once('response', (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`a stream was answered with status ${answer.statusCode}`));
      const ended = new Promise<void>((end, fail) => answer.once('end', end).once('error', fail));
      // It is for whoever waits for it: streams that are left when their gateway is stopped break off.
      ended.catch(() => undefined);
      answer.once('data', () => resolve({ firstByteMs: performance.now() - began, ended }));
    });
    call.end(body);
  });
}

/** Milliseconds to the first byte of streams, one after the other, of the servers in turns. */
export async function firstBytes<Name extends string>(
  servers: Readonly<Record<Name, Pick<Server, 'url' | 'headers'>>>,
  streams: number,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  // The last bytes wait for the settlement; the first ones are not the last.
  const body = chatBody(500, 256, { stream: true, directive: { eventDelayMs: 10 } });
  const names = Object.keys(servers) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let at = -WARM_STREAMS; at < streams; at++) {
    for (const name of names) {
      const { firstByteMs, ended } = await openStream(servers[name], body);
      await ended;
      if (at >= 0) taken[name].push(firstByteMs);
    }
  }
  return taken;
}

const WARM_STREAMS = 100;
const AT_ONCE = 20;
/** Longer than they are looked at. */
const SILENT_MS = 120_000;
const LOOK_MS = 3_000;

/**
 * Resident memory of the gateway while so many streams have begun and say nothing: the largest of a few looks. They begin
 * twenty at a time, as the memory of a burst is another question.
 */
export async function memoryOfIdleStreams(server: Server, streams: number): Promise<number> {
  const body = chatBody(500, 256, { stream: true, directive: { events: 2, eventDelayMs: SILENT_MS } });
  for (let open = 0; open < streams; open += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, streams - open) }, () => openStream(server, body)));
  }
  let most = 0;
  for (const until = performance.now() + LOOK_MS; performance.now() < until; ) {
    most = Math.max(most, await server.process.residentBytes());
    await sleep(200);
  }
  return most;
}
