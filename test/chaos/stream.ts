import { relayStream } from '../../lambdas/relay-events/relay-stream.ts';
import { resumeDecided } from '../../lambdas/resume-approval/resume-decided.ts';
import type { OutboxItem } from '../../lib/audit/events.ts';
import { RESUMES } from '../../lib/aws/outbox-items.ts';
import { sha256 } from '../../lib/json.ts';
import { rowOf, streamRecord } from '../_helpers/stream-records.ts';
import type { Ports, World } from './world.ts';

const SHARDS = 2;
const BATCH = 10;
const RETRIES = 10;
/** What is older is given up. */
const MAX_AGE_MS = 5 * 60_000;

type Read = (ports: Ports, records: ReturnType<typeof streamRecord>[]) => Promise<unknown>;

/**
 * The stream of the Events table, with its two readers. Each gets the records of one execution in order; a batch that fails
 * comes again, whole or in halves, so that records come twice, and earlier ones after later ones that were read already.
 */
export class Stream {
  /** Of these executions a batch was given up: their events came to the chain by another way, and later. */
  readonly skipped = new Set<string>();
  readonly #world: World;
  #idle = 0;

  constructor(world: World) {
    this.#world = world;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      this.#read(
        shard,
        'relay-events',
        () => true,
        (ports, records) => relayStream(ports.all, records),
      );
      this.#read(
        shard,
        'resume-approval',
        (item) => rowOf(item)[RESUMES.attribute] === RESUMES.value,
        (ports, records) => resumeDecided(ports.all, { Records: records }),
      );
    }
  }

  get isIdle(): boolean {
    return this.#idle === 2 * SHARDS;
  }

  #read(shard: number, name: string, wanted: (item: OutboxItem) => boolean, read: Read): void {
    const { sim, chance, executions } = this.#world;
    let restarts = 0;
    let position = 0;
    let idle = false;
    const setIdle = (now: boolean) => {
      if (now !== idle) this.#idle += now ? 1 : -1;
      idle = now;
    };
    sim.spawn(async () => {
      for (;;) {
        await sim.sleep(idle ? chance.between(300, 2500) : chance.between(100, 900));
        const outbox = executions.outbox();
        const batch: OutboxItem[] = [];
        if (restarts !== this.#world.restarts) {
          for (const { executionId } of outbox.slice(position)) this.skipped.add(executionId);
          position = outbox.length;
          restarts = this.#world.restarts;
        }
        while (position < outbox.length && batch.length < BATCH) {
          const item = outbox[position];
          position += 1;
          if (item !== undefined && shardOf(item) === shard && wanted(item)) batch.push(item);
        }
        setIdle(batch.length === 0);
        if (batch.length > 0) await this.#deliver(name, batch, read);
      }
    });
  }

  async #deliver(name: string, batch: readonly OutboxItem[], read: Read, triedBefore = 0): Promise<void> {
    const { sim, chance, faults } = this.#world;
    const about = [...new Set(batch.map(({ executionId }) => executionId))].join(' ');
    let left = batch;
    let again = faults.strikes('a batch comes again', 0.01, about);
    if (faults.strikes('the stream is late', 0.01, about)) await sim.sleep(chance.between(10, 280) * 1000);
    for (let tries = triedBefore; ; tries += 1) {
      left = left.filter(({ createdAt }) => sim.ms - Date.parse(createdAt) < MAX_AGE_MS);
      for (const item of batch) if (!left.includes(item)) this.skipped.add(item.executionId);
      if (left.length === 0) return;
      try {
        // A stream repeats records, too: in their order.
        const doubled = faults.strikes('records are doubled', 0.01, about) ? [...left, ...left] : left;
        const records = doubled.map((item) => streamRecord(rowOf(item)));
        await this.#world.invoke(name, about, 60_000, (ports) => read(ports, records));
        if (!again) return;
        again = false;
      } catch {
        if (tries === RETRIES) {
          for (const { executionId } of left) this.skipped.add(executionId);
          return;
        }
        await sim.sleep(chance.between(200, 1000) * 2 ** Math.min(tries, 6));
        // A function that failed gets halves; where the call itself did, the same comes again.
        if (left.length === 1 || chance.happens(0.3)) continue;
        const middle = left.length >> 1;
        await this.#deliver(name, left.slice(0, middle), read, tries + 1);
        await this.#deliver(name, left.slice(middle), read, tries + 1);
        return;
      }
    }
  }
}

function shardOf({ executionId }: OutboxItem): number {
  return Number.parseInt(sha256(executionId).slice(0, 8), 16) % SHARDS;
}
