/**
 * Makes `records.json`, the seed of the records table: `npx tsx state-machines/data-processor/data/generate.ts`.
 * The same numbers every time, so that results can be compared.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredRecord } from './record.ts';

const CUSTOMERS = 420;
const SESSIONS = 1650;
const INVOICES = 930;
/** The newest record is from this day. */
const NEWEST = Date.UTC(2026, 9, 31);
const DAY = 24 * 60 * 60 * 1000;

export function generateRecords(): readonly StoredRecord[] {
  const random = randomNumbers(20261031);
  return [
    ...Array.from({ length: CUSTOMERS }, (_, index) => customer(index, random)),
    ...Array.from({ length: SESSIONS }, (_, index) => session(index, random)),
    ...Array.from({ length: INVOICES }, (_, index) => invoice(index, random)),
  ];
}

/** One record a line, so that a change of one is a change of one line. */
export function recordsText(records: readonly StoredRecord[]): string {
  return `[\n${records.map((record) => JSON.stringify(record)).join(',\n')}\n]\n`;
}

type Random = () => number;

function customer(index: number, random: Random): StoredRecord {
  const createdAt = daysAgo(30 + random() ** 1.2 * 2600, random);
  // Most customers come back; a closed account is not looked at again.
  const closed = random() < 0.22;
  const quiet = closed ? 0.25 + 0.75 * random() : random() ** 3;
  return {
    id: `cus-${number(index + 1)}`,
    kind: 'customer',
    status: closed ? 'closed' : 'active',
    owner: pick(['crm', 'growth', 'identity', 'sales', 'partner-portal'], random),
    createdAt: time(createdAt),
    lastAccessedAt: time(NEWEST - (NEWEST - createdAt) * quiet),
    sizeBytes: Math.round(1_200 + random() * 9_000),
    legalHold: random() < 0.02,
  };
}

function session(index: number, random: Random): StoredRecord {
  const createdAt = daysAgo(random() ** 1.6 * 1500, random);
  return {
    id: `ses-${number(index + 1)}`,
    kind: 'session',
    status: 'ended',
    owner: pick(['checkout', 'identity', 'support'], random),
    createdAt: time(createdAt),
    lastAccessedAt: time(Math.min(NEWEST, createdAt + random() ** 2 * 3 * DAY)),
    sizeBytes: Math.round(300 + random() ** 2 * 4_000_000),
    legalHold: random() < 0.004,
  };
}

function invoice(index: number, random: Random): StoredRecord {
  const createdAt = daysAgo(random() * 2400, random);
  const age = (NEWEST - createdAt) / DAY;
  const open = random() < (age < 60 ? 0.5 : 0.03);
  const lastAccessedAt = open ? NEWEST - random() * 20 * DAY : createdAt + random() ** 2 * Math.min(age, 700) * DAY;
  return {
    id: `inv-${number(index + 1)}`,
    kind: 'invoice',
    status: open && random() < 0.97 ? 'open' : 'paid',
    owner: pick(['billing', 'logistics', 'sales'], random),
    createdAt: time(createdAt),
    lastAccessedAt: time(Math.max(createdAt, lastAccessedAt)),
    sizeBytes: Math.round(20_000 + random() * 180_000),
    legalHold: random() < 0.015,
  };
}

function daysAgo(days: number, random: Random): number {
  return NEWEST - Math.floor(days) * DAY - Math.floor(random() * DAY);
}

function time(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

function number(value: number): string {
  return String(value).padStart(5, '0');
}

function pick(from: readonly [string, ...string[]], random: Random): string {
  return from[Math.floor(random() * from.length)] ?? from[0];
}

/** mulberry32: numbers from 0 to below 1 that depend on the seed alone. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(import.meta.dirname, 'records.json'), recordsText(generateRecords()));
}
