import { percentile } from '../bench.ts';

/** What of autocannon is used. It rounds what it tells to milliseconds, so that the answers are counted here. */
type Autocannon = (options: object) => Promise<{
  readonly non2xx: number;
  readonly errors: number;
  readonly duration: number;
}> & {
  on(event: 'response', take: (client: unknown, status: number, bytes: number, milliseconds: number) => void): void;
};

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One round against one target. Times in milliseconds. */
export interface Round {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** Calls over kept connections, each the next one as soon as it is answered. Throws where one failed. */
export async function load(
  autocannonModule: string,
  { url, headers, body }: Target,
  connections: number,
  seconds: number,
): Promise<Round> {
  const { default: autocannon } = (await import(autocannonModule)) as { readonly default: Autocannon };
  const took: number[] = [];
  const began = performance.now();
  const running = autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    connections,
    duration: seconds,
    timeout: 60,
  });
  running.on('response', (_client, _status, _bytes, milliseconds) => took.push(milliseconds));
  const { non2xx, errors } = await running;
  const lasted = (performance.now() - began) / 1000;
  if (non2xx + errors > 0) throw new Error(`${non2xx + errors} of ${took.length} calls to ${url} failed`);
  return {
    p50: percentile(took, 0.5),
    p95: percentile(took, 0.95),
    p99: percentile(took, 0.99),
    perSecond: took.length / lasted,
  };
}
