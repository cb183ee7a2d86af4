import { type NanoUsd, nanoUsd, usd, ZERO_USD } from '../../lib/budget/money.ts';
import { gatewayScene } from '../../test/_helpers/gateway-scene.ts';
import type { Script } from '../../test/_helpers/scripted-upstream.ts';

export interface Overshoot {
  /** nano-USD that were spent or are held beyond the limit. */
  readonly beyond: NanoUsd;
  /** Refusals of which spent + held + needed was not above the limit. */
  readonly untrue: number;
  /** Holds that are neither closed nor `unsettled`, after all calls have ended. */
  readonly leftOpen: number;
  readonly passed: number;
}

const CALLS = 1000;
const EVENTS = { 'content-type': 'text/event-stream' };

/** 1,000 calls at once of mixed sizes, with streams, failures and clients that leave, against a share of their total. */
export async function overshoot(share: number): Promise<Overshoot> {
  const calls = Array.from({ length: CALLS }, (_, index) => ({
    model: 'plain-1',
    input: 100 + ((index * 37) % 900),
    output: 100 + ((index * 61) % 900),
    stream: index % 2 === 0,
  }));
  const total = calls.reduce((sum, { input, output }) => sum + input * 30_000 + output * 60_000, 0);
  const limit = nanoUsd(Math.floor(total * share));
  const scene = await gatewayScene({ budget: { limit } });
  scene.upstream.script(...calls.map(({ input, output }, index) => scriptOf(index, input, output)));
  const answers = await Promise.all(
    calls.map(async (call, index) => {
      const response = await scene.call(call);
      if (index % 11 === 0) await response.body?.cancel();
      const text = await response.text().catch(() => '');
      return { status: response.status, text };
    }),
  );
  await scene.gateway.idle();
  const refusals = answers
    .filter(({ status, text }) => status === 402 && text !== '')
    .map(({ text }) => (JSON.parse(text) as { error: { budget: Record<string, number> } }).error.budget);
  const [spent, held] = [await scene.spent(), await scene.held()];
  return {
    beyond: nanoUsd(Math.max(ZERO_USD, spent + held - limit)),
    untrue: refusals.filter(({ spent = 0, held = 0, needed = 0, limit = 0 }) => spent + held + needed <= limit).length,
    leftOpen: (await scene.holds()).filter(({ state }) => state !== 'unsettled').length,
    passed: answers.filter(({ status }) => status !== 402).length,
  };
}

function scriptOf(index: number, input: number, output: number): Script {
  const used = `{"usage":{"input":${input},"output":${output}}}`;
  switch (index % 7) {
    case 0:
      return { status: 500, acts: ['{}'] };
    case 1:
      return { headers: EVENTS, acts: ['data: 1\n\n', { milliseconds: index % 5 }, 'broken'] };
    case 2:
      return { fails: 'no_answer', acts: [] };
    case 3:
      return { fails: 'not_sent', acts: [] };
    default:
      return { headers: EVENTS, acts: ['data: 1\n\n', { milliseconds: index % 9 }, `data: ${used}\n\n`] };
  }
}

/** nano-USD that are spent of $0.10, when twenty calls of $0.09 come at once. */
export async function twentyAtOnce(): Promise<NanoUsd> {
  const scene = await gatewayScene({ budget: { limit: usd('0.10') } });
  scene.upstream.script({ acts: [{ milliseconds: 20 }, '{"usage":{"input":1000,"output":1000}}'] });
  const call = { model: 'plain-1', input: 1000, output: 1000 };
  const responses = await Promise.all(Array.from({ length: 20 }, () => scene.call(call)));
  await Promise.all(responses.map((response) => response.text()));
  await scene.gateway.idle();
  return scene.spent();
}
