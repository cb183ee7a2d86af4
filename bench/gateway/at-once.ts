import { costOf } from '../../lib/budget/cost.ts';
import { dollars, NANO_USD } from '../../lib/budget/money.ts';
import { chatBody } from './chat-body.ts';
import { headersOf, type Ours, type Provider, type Server, SMALL } from './gateways.ts';
import { MODEL } from './prices.ts';

export const BUDGET_USD = 0.1;
export const CALLS_AT_ONCE = 20;
/** Of $0.03 and $0.06 for a thousand: $0.09. */
const TOKENS = 1_000;
/** So long that all calls are there before the first one is paid for. */
const DELAY_MS = 1_000;

export interface SpentAtOnce {
  readonly calls: number;
  /** By what the provider charged. */
  readonly usd: number;
}

/** Twenty calls of $0.09 at once against a budget of $0.10. */
export async function spendAtOnce(
  provider: Provider,
  gateways: { readonly ours: Ours; readonly litellm: Server },
): Promise<{ readonly ours: SpentAtOnce; readonly litellm: SpentAtOnce }> {
  const body = chatBody(TOKENS, TOKENS, { directive: { delayMs: DELAY_MS } });
  const { token } = await gateways.ours.open(BUDGET_USD * NANO_USD);
  const ofOurs = await spend(provider, gateways.ours.url, headersOf(token), body);
  const { url, headers } = gateways.litellm;
  const ofLitellm = await spend(provider, url, headers, body.replace(`"${MODEL.model}"`, `"${SMALL}"`));
  return { ours: ofOurs, litellm: ofLitellm };
}

async function spend(
  provider: Provider,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<SpentAtOnce> {
  await provider.charged();
  const call = async () => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    await answer.arrayBuffer();
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, call));
  const { calls, input, output } = await provider.charged();
  return { calls, usd: dollars(costOf({ tokens: { input, output }, fees: {} }, MODEL)) };
}
