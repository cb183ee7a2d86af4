import type { LeaseRecord } from '../../lib/execution/records.ts';
import { killAtOnce, runnersOf, workersOf } from '../_helpers/local-processes.ts';
import type { Chance } from '../chaos/random.ts';
import type { Tables } from './tables.ts';

/** How the lease of a runner stands when it dies. */
const MOMENTS: readonly LeaseRecord['status'][] = ['offered', 'claimed', 'claimed', 'completed'];

/** Kills workers of functions, and runners: before their claim, at their work, and after they have completed. */
export class Killer {
  readonly counts: { [victim: string]: number } = {};
  readonly #chance: Chance;
  readonly #tables: Tables;
  readonly #functions: readonly string[];
  readonly #spared = new Set<string>();
  #running = false;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly chance: Chance; readonly tables: Tables; readonly functions: readonly string[] }) {
    this.#chance = options.chance;
    this.#tables = options.tables;
    this.#functions = options.functions;
  }

  /** The runners of this execution live. */
  spare(executionId: string): void {
    this.#spared.add(executionId);
  }

  start(): void {
    this.#running = true;
    this.#loops = Promise.all([this.#killWorkers(), this.#killRunners()]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loops;
  }

  async #killWorkers(): Promise<void> {
    while (this.#running) {
      const victim = this.#chance.oneOf(this.#functions);
      for (const pid of workersOf(victim)) this.#kill(victim.replace(/^wflo-[^-]+-/, ''), pid);
      await this.#pause(300, 1800);
    }
  }

  async #killRunners(): Promise<void> {
    while (this.#running) {
      const moment = this.#chance.oneOf(MOMENTS);
      for (const { executionId, leaseId, status } of await this.#tables.leases()) {
        if (status !== moment || this.#spared.has(executionId)) continue;
        for (const pid of runnersOf(leaseId)) this.#kill(`runner, ${status}`, pid);
      }
      await this.#pause(300, 1500);
    }
  }

  #kill(victim: string, pid: number): void {
    if (killAtOnce(pid)) this.counts[victim] = (this.counts[victim] ?? 0) + 1;
  }

  async #pause(from: number, to: number): Promise<void> {
    await new Promise((next) => setTimeout(next, this.#chance.between(from, to)));
  }
}
