import { Agent, request } from 'node:http';

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Load {
  /** Milliseconds of each call, to its last byte. */
  readonly calls: readonly number[];
  /** Milliseconds to the first byte of each body. */
  readonly first: readonly number[];
  readonly perSecond: number;
}

/** Calls over connections that are kept, `atOnce` at a time. Throws for any answer that is not 200. */
export async function load(target: Target, body: object, calls: number, atOnce: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const done: number[] = [];
  const first: number[] = [];
  let left = calls;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) {
        const took = await callOnce(target, body, agent);
        done.push(took.done);
        first.push(took.first);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  return { calls: done, first, perSecond: calls / seconds };
}

/** Opens a stream, and is done with its first byte. The connection stays open. */
export function openStream(target: Target, body: object): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const call = request(target.url, { method: 'POST', headers: target.headers, agent: false }, (answer) => {
      answer.once('data', () => resolve(() => call.destroy()));
      answer.on('error', () => {});
    });
    call.once('error', reject);
    call.end(JSON.stringify(body));
  });
}

function callOnce({ url, headers }: Target, body: object, agent: Agent): Promise<{ first: number; done: number }> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let first = 0;
    const call = request(url, { method: 'POST', headers, agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`the answer has status ${answer.statusCode}`));
      answer.on('data', () => {
        first ||= performance.now() - began;
      });
      answer.once('end', () => resolve({ first, done: performance.now() - began }));
      answer.once('error', reject);
    });
    call.once('error', reject);
    call.end(JSON.stringify(body));
  });
}
