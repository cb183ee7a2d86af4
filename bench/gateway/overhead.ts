import { readFile } from 'node:fs/promises';
import { median } from '../bench.ts';
import { chatBody } from './chat-body.ts';
import type { Ours, Server } from './gateways.ts';
import { load, type Round } from './load.ts';

const ROUNDS = 5;
const ROUND_MS = 1_500;
/**
 * To each server, before the rounds and one after the other: what is compiled while it runs needs them, Node and most of
 * all the JVM of the store, which takes half the time for a call after some thousands of them.
 */
const WARM_CALLS = 4_000;
const WARM_CONNECTIONS = 1;
const MOST_CALLS = 5_000;
export const CONNECTIONS = [1, 64] as const;
export type Connections = (typeof CONNECTIONS)[number];

/** Medians over the rounds, of one server at one number of connections. Times in milliseconds. */
export interface Load extends Omit<Round, 'calls'> {
  /** Time of the processor that the server's process took for a call. */
  readonly cpuMs: number;
  /** Only of ours: of all calls of all rounds. */
  readonly reserveMs: number;
  readonly settleMs: number;
  readonly tripsPerCall: number;
}

/**
 * The same calls to every server, in rounds that take turns, so that whatever else the machine does meets all of them.
 */
export async function measureLoads<Name extends string>(
  autocannon: string,
  servers: Readonly<Record<Name, Server | Ours>>,
): Promise<Readonly<Record<Name, Readonly<Record<Connections, Load>>>>> {
  const body = chatBody(500, 256);
  const names = Object.keys(servers) as Name[];
  for (const name of names) await load(autocannon, { ...servers[name], body }, WARM_CONNECTIONS, WARM_CALLS);
  const taken = new Map<string, Taken[]>();
  for (let turn = -1; turn < ROUNDS; turn++) {
    for (const connections of CONNECTIONS) {
      for (const name of names) {
        const key = `${name} ${connections}`;
        const before = taken.get(key) ?? [];
        // The first turn tells how many calls fit into a round.
        const [first] = before;
        const calls =
          first === undefined
            ? Math.max(60, connections * 4)
            : Math.ceil(Math.min(MOST_CALLS, Math.max(connections * 2, (first.perSecond * ROUND_MS) / 1000)));
        before.push(await takeRound(autocannon, servers[name], body, connections, calls));
        taken.set(key, before);
      }
    }
  }
  const loadOf = (name: Name, connections: Connections) =>
    medians((taken.get(`${name} ${connections}`) ?? []).slice(1));
  return Object.fromEntries(
    names.map((name) => [name, Object.fromEntries(CONNECTIONS.map((each) => [each, loadOf(name, each)]))]),
  ) as Record<Name, Record<Connections, Load>>;
}

interface Taken extends Round {
  readonly cpuMs: number;
  readonly reserves: readonly number[];
  readonly settles: readonly number[];
  readonly trips: number;
}

async function takeRound(
  autocannon: string,
  server: Server | Ours,
  body: string,
  connections: number,
  calls: number,
): Promise<Taken> {
  const ours = 'measured' in server ? server : undefined;
  await ours?.measured();
  const before = await cpuMsOf(server.process.pid);
  const round = await load(autocannon, { ...server, body }, connections, calls);
  const cpuMs = ((await cpuMsOf(server.process.pid)) - before) / calls;
  const { reserves = [], settles = [], trips = 0 } = (await ours?.measured()) ?? {};
  return { ...round, cpuMs, reserves, settles, trips };
}

function medians(rounds: readonly Taken[]): Load {
  const of = (pick: (round: Taken) => number) => median(rounds.map(pick));
  const calls = rounds.reduce((sum, round) => sum + round.calls, 0);
  return {
    p50: of(({ p50 }) => p50),
    p95: of(({ p95 }) => p95),
    p99: of(({ p99 }) => p99),
    perSecond: of(({ perSecond }) => perSecond),
    cpuMs: of((round) => round.cpuMs),
    reserveMs: of(({ reserves }) => median(reserves)),
    settleMs: of(({ settles }) => median(settles)),
    tripsPerCall: rounds.reduce((sum, { trips }) => sum + trips, 0) / calls,
  };
}

/** User and system time of a process. The kernel counts it in hundredths of a second on every usual machine. */
async function cpuMsOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
