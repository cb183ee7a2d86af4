import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { costOf, worstCaseOf } from '../lib/budget/cost.ts';
import { type Benchmark, type Figure, round } from './bench.ts';
import { chatBody } from './gateway/chat-body.ts';
import type { Directive } from './gateway/directive.ts';
import { headersOf, type Ours, type Provider, startOurs, startProvider } from './gateway/gateways.ts';
import { MODEL } from './gateway/prices.ts';
import { dynamoDbLocalStore } from './gateway/stores.ts';

const CALLS = 1_000;
const BUDGET_PERCENT = [1, 50, 100];
/** What is busy is asked again, as agents do. */
const AGAIN_MS = 500;
const SMALLEST_INPUT = 200;

/** One call of the crowd. */
interface Call {
  readonly worstNanoUsd: number;
  readonly body: string;
  /** The client goes away: before there is an answer, or after the first bytes. */
  readonly leaves?: 'at_once' | 'in_between';
}

/** Mixed sizes, a third of them streams, of which some break off or lose their client; some calls fail. */
const CROWD: readonly Call[] = Array.from({ length: CALLS }, (_, index) => {
  const inputTokens = SMALLEST_INPUT + ((index * 7919) % 1_500);
  const outputTokens = 16 + ((index * 104_729) % 3_000);
  const stream = index % 3 === 0;
  const leaves = index % 11 === 5 ? 'at_once' : index % 13 === 6 ? 'in_between' : undefined;
  const fails = index % 17 === 3 ? 'status' : index % 19 === 4 ? 'break' : undefined;
  const directive: Directive = {
    // Most calls do not use all that they may.
    output: index % 4 === 0 ? outputTokens : Math.ceil(outputTokens / 3),
    delayMs: index % 50,
    ...(stream ? { events: 4, eventDelayMs: index % 20 } : {}),
    ...(fails === undefined ? {} : { fails }),
  };
  const bound = { inputTokens, outputTokens, inputClasses: ['input'], outputClasses: ['output'] } as const;
  return {
    worstNanoUsd: worstCaseOf(bound, MODEL),
    body: chatBody(inputTokens, outputTokens, { stream, directive }),
    ...(leaves === undefined ? {} : { leaves }),
  };
});

/** A thousand calls at once, through the gateway, against budgets that are too small for them. */
export const overshoot: Benchmark = {
  name: 'overshoot',
  title: `${CALLS} calls at once through the gateway, on DynamoDB Local`,
  run: async () => {
    const store = await dynamoDbLocalStore();
    const running: { stop(): Promise<unknown> }[] = [store];
    try {
      const provider = await startProvider();
      running.unshift(provider.process);
      const ours = await startOurs(provider, 'ours-overshoot', store.config);
      running.unshift(ours.process);
      const total = CROWD.reduce((sum, { worstNanoUsd }) => sum + worstNanoUsd, 0);
      const figures: Figure[] = [];
      for (const percent of BUDGET_PERCENT) {
        figures.push(...(await against(provider, ours, Math.floor((total * percent) / 100), percent)));
      }
      return figures;
    } finally {
      for (const each of running) await each.stop();
    }
  },
};

async function against(provider: Provider, ours: Ours, limit: number, percent: number): Promise<readonly Figure[]> {
  const { executionId, token } = await ours.open(limit);
  await ours.measured();
  await provider.charged();
  const agent = new Agent({ keepAlive: true, maxSockets: CALLS });
  const began = performance.now();
  const statuses = await Promise.all(CROWD.map((call) => untilNotBusy(ours, agent, token, call)));
  agent.destroy();
  const { scope, holds } = await ours.look(executionId);
  const seconds = (performance.now() - began) / 1000;
  const { refusals, untrueRefusals, violations } = await ours.measured();
  const charged = await provider.charged();
  const spent = costOf({ tokens: { input: charged.input, output: charged.output }, fees: {} }, MODEL);
  const unsettled = holds.filter(({ state }) => state === 'unsettled').reduce((sum, { amount }) => sum + amount, 0);
  const of = `budget of ${percent} % of the worst cases`;
  const refused = statuses.filter((status) => status === 402).length;
  return [
    {
      what: `overshoot, by what the provider charged, ${of}`,
      value: Math.max(0, spent - limit),
      unit: 'nano-USD',
      limit: 0,
    },
    {
      what: `spent and held above the limit, by the ledger, ${of}`,
      value: Math.max(0, scope.spent + scope.held - limit),
      unit: 'nano-USD',
      limit: 0,
    },
    {
      what: `charged by the provider, and neither spent nor held in the ledger, ${of}`,
      value: Math.max(0, spent - scope.spent - unsettled),
      unit: 'nano-USD',
      limit: 0,
    },
    {
      what: `refusals whose own numbers would have let the call pass, of ${refusals}, ${of}`,
      value: untrueRefusals,
      unit: '',
      limit: 0,
    },
    { what: `calls that cost more than was held, ${of}`, value: violations, unit: '', limit: 0 },
    {
      what: `held afterwards by anything but unsettled calls, ${of}`,
      value: Math.abs(scope.held - unsettled),
      unit: 'nano-USD',
      limit: 0,
    },
    { what: `calls that reached the provider, ${of}`, value: charged.calls, unit: '', detail: true },
    { what: `calls that were refused and whose client was there, ${of}`, value: refused, unit: '', detail: true },
    { what: `unsettled calls, ${of}`, value: holds.length, unit: '', detail: true },
    { what: `time of all calls, ${of}`, value: round(seconds), unit: 's', detail: true },
  ];
}

/** The status; undefined where the client went away or the answer broke off. */
async function untilNotBusy(ours: Ours, agent: Agent, token: string, call: Call): Promise<number | undefined> {
  for (;;) {
    const status = await send(ours, agent, token, call);
    if (status !== 503) return status;
    await sleep(AGAIN_MS * (0.5 + Math.random()));
  }
}

function send({ url }: Ours, agent: Agent, token: string, { body, leaves }: Call): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headersOf(token),
    };
    const call = request(url, { method: 'POST', headers, agent });
    call.once('error', () => resolve(undefined));
    call.once('response', (answer) => {
      if (leaves === 'in_between') answer.once('data', () => answer.destroy());
      answer.once('error', () => resolve(undefined));
      answer.once('close', () => resolve(answer.complete ? answer.statusCode : undefined));
      answer.resume();
    });
    call.end(body, () => {
      if (leaves === 'at_once') setTimeout(() => call.destroy(), 20);
    });
  });
}
