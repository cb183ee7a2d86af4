import type { Chance } from './random.ts';
import { never, type Simulation } from './simulation.ts';

/** What a caller of a function of ours is told whose worker was lost. */
export class WorkerLost extends Error {
  override readonly name = 'Lambda.Unknown';
}

/** What can be done to one call of a port. */
export type PortFault =
  | 'killed before'
  | 'killed after'
  | 'killed meanwhile'
  | 'given up by its caller'
  | 'refused for a moment'
  | 'answer lost'
  | 'slow'
  | 'sent twice'
  | 'conflict'
  | 'taken in part'
  | 'an old answer'
  | 'cancelled just before'
  | 'outage';

/** One call of a function of ours, from its start to its answer or its death. */
export interface Invocation {
  readonly name: string;
  readonly about: string;
  /** How far the clock of its worker is ahead of everybody else's. */
  readonly clockMs: number;
  /** Nothing of it happens any more. */
  dead: boolean;
  /** It has answered, or its caller has given it up. */
  over: boolean;
  lose(why: string): void;
}

/** Ports whose calls by a repeated request do the same thing twice. The SDK repeats no other by itself. */
const ONCE = ['invoker.invoke', 'calls.begin'];
/** The moment that most guards are for. */
const CANCELLED = ['cancelled just before', 'cancelled just before', 'cancelled just before'] as const;
/** Read from an index, which lags. */
const LAGGING = ['executions.due', 'outbox.listUnpublished'];
/** No answer of these can be wrong in the middle: they are not calls. */
const SYNCHRONOUS = ['machines.executionArn'];

/** Where things go wrong, how often, and what did. */
export class Faults {
  /** No more than this many; 0: everything works. */
  left: number;
  readonly counts: { [fault: string]: number } = {};
  readonly #sim: Simulation;
  readonly #chance: Chance;
  /** Of how many calls of a port one goes wrong. */
  readonly #share: number;
  readonly #note: (about: string, text: string) => void;
  readonly #cancel: (executionId: string) => Promise<void>;
  readonly #acting: (invocation: Invocation) => void;
  readonly #outages = new Map<string, number>();
  /** The last answer of what lags, by call. */
  readonly #before = new Map<string, unknown>();

  constructor(options: {
    readonly sim: Simulation;
    readonly chance: Chance;
    readonly count: number;
    readonly share: number;
    readonly note: (about: string, text: string) => void;
    /** Somebody cancels at this very moment. */
    readonly cancel: (executionId: string) => Promise<void>;
    /** This invocation makes its call now. */
    readonly acting: (invocation: Invocation) => void;
  }) {
    this.#cancel = options.cancel;
    this.#acting = options.acting;
    this.#sim = options.sim;
    this.#chance = options.chance;
    this.left = options.count;
    this.#share = options.share;
    this.#note = options.note;
  }

  /** Whether this goes wrong now; it is counted where it does. */
  strikes(fault: string, share: number, about: string): boolean {
    // Drawn in any case, so that the order of draws does not depend on what is left.
    if (!this.#chance.happens(share) || this.left === 0) return false;
    this.left -= 1;
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    this.#note(about, `FAULT ${fault}`);
    return true;
  }

  /** A port as one invocation sees it. */
  port<P extends object>(invocation: Invocation, port: string, target: P): P {
    return new Proxy(target, {
      get: (_, method) => {
        const found: unknown = Reflect.get(target, method, target);
        if (typeof found !== 'function') return found;
        const name = `${port}.${String(method)}`;
        if (SYNCHRONOUS.includes(name)) return found.bind(target);
        const act = (args: unknown[]) => {
          this.#acting(invocation);
          return found.apply(target, args);
        };
        return (...args: unknown[]) => this.#call(invocation, name, () => act(args), args);
      },
    });
  }

  async #call(invocation: Invocation, name: string, act: () => Promise<unknown>, args: unknown[]): Promise<unknown> {
    if (invocation.dead) return never();
    const fault = this.#pick(invocation, name, args);
    await this.#sim.sleep(this.#chance.between(1, 40));
    if (invocation.dead) return never();
    if ((this.#outages.get(outageOf(name)) ?? 0) > this.#sim.ms) throw throttled(name);
    switch (fault) {
      case 'killed before':
        invocation.lose(fault);
        return never();
      case 'killed meanwhile':
        this.#sim.at(this.#sim.ms + this.#chance.between(1, 20_000), () => {
          if (!invocation.over) invocation.lose(fault);
        });
        break;
      case 'given up by its caller':
        invocation.lose(fault);
        invocation.dead = false;
        await this.#sim.sleep(this.#chance.between(0, 5000));
        break;
      case 'refused for a moment':
        throw throttled(name);
      case 'outage':
        this.#outages.set(outageOf(name), this.#sim.ms + this.#chance.between(5, 120) * 1000);
        throw throttled(name);
      case 'slow':
        await this.#sim.sleep(this.#chance.between(500, 20_000));
        break;
      case 'conflict':
        return false;
      case 'cancelled just before':
        await this.#cancel((args[0] as { readonly executionId: string }).executionId);
        break;
      case 'taken in part':
        args[0] = (args[0] as readonly unknown[]).slice(1);
        await act();
        throw throttled(name);
      default:
        break;
    }
    if (invocation.dead) return never();
    let answer = await act();
    if (LAGGING.includes(name)) {
      const call = name === 'executions.due' ? `${name} ${String(args[0])}` : name;
      const old = this.#before.get(call) ?? answer;
      this.#before.set(call, answer);
      if (fault === 'an old answer') answer = old;
    }
    if (fault === 'sent twice') answer = await this.#again(name, act, args, answer);
    await this.#sim.sleep(this.#chance.between(1, 40));
    if (invocation.dead) return never();
    if (fault === 'answer lost') throw new Error(`${name}: the connection was lost before the answer came`);
    if (fault === 'killed after') {
      invocation.lose(fault);
      return never();
    }
    return answer;
  }

  /** A commit with events has a request token: DynamoDB knows the repeat, and answers as before. */
  async #again(name: string, act: () => Promise<unknown>, args: unknown[], first: unknown): Promise<unknown> {
    const [given] = args as [{ readonly events?: readonly unknown[] }?];
    if (name === 'executions.commit' && (given?.events?.length ?? 0) > 0) return first;
    return act();
  }

  #pick({ name: by, about }: Invocation, name: string, args: readonly unknown[]): PortFault | undefined {
    if (!this.#chance.happens(this.#share)) return undefined;
    const drawn = this.#chance.oneOf(faultsOf(name, args));
    const fault = drawn === 'outage' && this.#chance.happens(0.8) ? 'refused for a moment' : drawn;
    return this.strikes(fault, 1, `${about} ${by} ${name}`) ? fault : undefined;
  }
}

function faultsOf(name: string, args: readonly unknown[]): readonly PortFault[] {
  return [
    'killed before',
    'killed after',
    'killed after',
    'killed meanwhile',
    'given up by its caller',
    'refused for a moment',
    'answer lost',
    'slow',
    ...(name.startsWith('executions.') || name.startsWith('blobs.') ? (['outage'] as const) : []),
    ...(LAGGING.includes(name) ? (['an old answer', 'an old answer', 'an old answer'] as const) : []),
    ...(ONCE.includes(name) ? [] : (['sent twice'] as const)),
    ...(name === 'executions.commit' ? (['conflict', 'conflict', ...CANCELLED] as const) : []),
    ...(name === 'bus.publish' && (args[0] as readonly unknown[]).length > 1 ? (['taken in part'] as const) : []),
  ];
}

function outageOf(name: string): string {
  return name.split('.')[0] ?? name;
}

function throttled(name: string): Error {
  const error = new Error(`${name}: rate exceeded`);
  error.name = name.startsWith('blobs.') ? 'SlowDown' : 'ThrottlingException';
  return Object.assign(error, { $fault: 'server' });
}
