import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { dollars, usd } from '../lib/budget/money.ts';
import { type Benchmark, type Figure, percentile, round } from './bench.ts';
import { type Load, load, openStream, type Target } from './gateway/load.ts';
import { overshoot, twentyAtOnce } from './gateway/overshoot.ts';

const CHAT = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hello' }], max_tokens: 100 };
const WARM_UP = 300;
const CALLS = 2000;
const IDLE_STREAMS = 200;

/** The gateway without a store: what it adds to a provider that answers at once, and that no budget is overspent. */
export const gateway: Benchmark = {
  name: 'gateway',
  title: 'The model gateway over a ledger in memory',
  run: async () => {
    const provider = await start<{ port: number }>('provider.ts');
    const bare = { url: `http://127.0.0.1:${provider.said.port}/v1/chat/completions`, headers: {} };
    const ours = await startGateway(provider.said.port);
    const { through } = ours;
    try {
      return [
        ...(await compared(bare, through, 1)),
        ...(await compared(bare, through, 64)),
        ...(await firstTokens(bare, through)),
        await idleStreams(provider.said.port),
        ...(await budgets()),
      ];
    } finally {
      for (const { process } of [ours, provider]) process.kill();
    }
  },
};

async function compared(bare: Target, through: Target, atOnce: number): Promise<readonly Figure[]> {
  const [alone, ours] = [await measured(bare, CHAT, atOnce), await measured(through, CHAT, atOnce)];
  const at = `${atOnce} at once`;
  return [
    ...[0.5, 0.95, 0.99].map((share) => ({
      what: `added to the bare provider, ${at}, p${share * 100}`,
      value: round(percentile(ours.calls, share) - percentile(alone.calls, share), 2),
      unit: 'ms',
    })),
    {
      what: `calls a second, ${at} (bare provider: ${Math.round(alone.perSecond)})`,
      value: Math.round(ours.perSecond),
      unit: '',
    },
  ];
}

async function firstTokens(bare: Target, through: Target): Promise<readonly Figure[]> {
  const chat = { ...CHAT, stream: true };
  const [alone, ours] = [await measured(bare, chat, 1), await measured(through, chat, 1)];
  return [
    {
      what: 'time to the first token beyond the bare provider, p50',
      value: round(percentile(ours.first, 0.5) - percentile(alone.first, 0.5), 2),
      unit: 'ms',
      limit: 5,
    },
  ];
}

async function measured(target: Target, body: object, atOnce: number): Promise<Load> {
  await load(target, body, WARM_UP, atOnce);
  return load(target, body, CALLS, atOnce);
}

/** In a process of its own, which has served nothing else: the ledger in memory keeps every call. */
async function idleStreams(providerPort: number): Promise<Figure> {
  const { process, through } = await startGateway(providerPort);
  try {
    const chat = { ...CHAT, stream: true, user: 'idle' };
    const opened = await Promise.all(Array.from({ length: IDLE_STREAMS }, () => openStream(through, chat)));
    const said = once(process, 'message');
    process.send('memory');
    const [{ rssMib }] = (await said) as [{ rssMib: number }];
    for (const close of opened) close();
    return {
      what: `memory of the process with ${IDLE_STREAMS} idle streams`,
      value: Math.round(rssMib),
      unit: 'MiB',
      limit: 150,
    };
  } finally {
    process.kill();
  }
}

async function budgets(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const share of [0.01, 0.5, 1]) {
    const { beyond, untrue, leftOpen } = await overshoot(share);
    const against = `1,000 calls at once against ${share * 100} % of their total`;
    figures.push(
      { what: `${against}: beyond the budget`, value: dollars(beyond), unit: '$', limit: 0 },
      {
        what: `${against}: refusals that were not true, and holds left open`,
        value: untrue + leftOpen,
        unit: '',
        limit: 0,
      },
    );
  }
  figures.push({
    what: 'spent of $0.10, 20 calls of $0.09 at once',
    value: dollars(await twentyAtOnce()),
    unit: '$',
    limit: dollars(usd('0.09')),
  });
  return figures;
}

async function startGateway(providerPort: number): Promise<{ process: ChildProcess; through: Target }> {
  const { process, said } = await start<{ port: number; headers: Record<string, string> }>('memory-gateway.ts', [
    `http://127.0.0.1:${providerPort}`,
  ]);
  return {
    process,
    through: { url: `http://127.0.0.1:${said.port}/models/openai/v1/chat/completions`, headers: said.headers },
  };
}

/** Starts a file of this folder with tsx, and waits for what it says first. */
async function start<T>(file: string, args: readonly string[] = []): Promise<{ process: ChildProcess; said: T }> {
  const process = fork(join(import.meta.dirname, 'gateway', file), args, { execArgv: ['--import', 'tsx'] });
  const ended = once(process, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  const [said] = (await Promise.race([once(process, 'message'), ended])) as [T];
  return { process, said };
}
