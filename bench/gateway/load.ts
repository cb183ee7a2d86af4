import { percentile } from '../bench.ts';

/** What of autocannon is used. It rounds what it tells to milliseconds, so that the answers are counted here. */
type Autocannon = (options: object) => Promise<{ readonly non2xx: number; readonly errors: number }> & {
  on(event: 'response', take: (client: unknown, status: number, bytes: number, milliseconds: number) => void): void;
};

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One round against one target. Times in milliseconds. */
export interface Round {
  readonly calls: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly perSecond: number;
}

/**
 * So many calls over kept connections, each the next one as soon as it is answered. All of them are waited for, so that
 * nothing of a round goes on in the next one. Throws where one failed.
 */
export async function load(
  autocannonModule: string,
  { url, headers, body }: Target,
  connections: number,
  calls: number,
): Promise<Round> {
  const { default: autocannon } = (await import(autocannonModule)) as { readonly default: Autocannon };
  const took: number[] = [];
  const running = autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    connections,
    amount: calls,
    timeout: 60,
  });
  const began = performance.now();
  let last = began;
  running.on('response', (_client, _status, _bytes, milliseconds) => {
    took.push(milliseconds);
    last = performance.now();
  });
  const { non2xx, errors } = await running;
  if (non2xx + errors > 0 || took.length < calls) {
    throw new Error(`of ${calls} calls to ${url} ${took.length} were answered, ${non2xx} refused, ${errors} broken`);
  }
  return {
    calls,
    p50: percentile(took, 0.5),
    p95: percentile(took, 0.95),
    p99: percentile(took, 0.99),
    perSecond: calls / ((last - began) / 1000),
  };
}
