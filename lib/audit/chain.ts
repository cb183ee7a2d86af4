import { canonicalJson, sha256 } from '../json.ts';
import type { ChainHead, ChainRecord, WfloEvent } from './events.ts';

/** `prevHash` of the first record of every chain. */
export const GENESIS_HASH = '0'.repeat(64);

/** Hash of a record: over everything but itself. */
export function chainHash(record: Omit<ChainRecord, 'hash'>): string {
  const { seq, prevHash, event } = record;
  return sha256(canonicalJson({ seq, prevHash, event }));
}

/** The records that continue a chain from its head, in the order of the events. */
export function appendToChain(head: ChainHead | undefined, events: readonly WfloEvent[]): readonly ChainRecord[] {
  const records: ChainRecord[] = [];
  let { seq, hash } = head ?? { seq: 0, hash: GENESIS_HASH };
  for (const event of events) {
    const link = { seq: seq + 1, prevHash: hash, event };
    const record = { ...link, hash: chainHash(link) };
    records.push(record);
    ({ seq, hash } = record);
  }
  return records;
}

/** `gap`: an outbox item could not be read when it was to be recorded; its `audit.gap` stands in the chain. */
export type ChainProblemKind = 'hole' | 'wrong_hash' | 'wrong_prev' | 'wrong_count' | 'gap';

export interface ChainProblem {
  readonly kind: ChainProblemKind;
  /** The record where it shows; for `wrong_count` the last one. */
  readonly seq: number;
  readonly message: string;
}

export type ChainVerdict =
  | { readonly ok: true; readonly head: ChainHead }
  | { readonly ok: false; readonly problems: readonly ChainProblem[] };

/**
 * Checks a whole chain, from its first record. Without `eventCount` (of the execution record) a chain that was cut at
 * its end looks whole. A chain that is still being written may be shorter than `eventCount`: look again.
 */
export function verifyChain(records: readonly ChainRecord[], eventCount?: number): ChainVerdict {
  const problems: ChainProblem[] = [];
  let head: ChainHead = { seq: 0, hash: GENESIS_HASH };
  for (const record of records) {
    const { seq } = record;
    if (seq !== head.seq + 1) {
      problems.push({ kind: 'hole', seq, message: `record ${head.seq + 1} was expected, and ${seq} found` });
    }
    if (record.prevHash !== head.hash) {
      problems.push({ kind: 'wrong_prev', seq, message: `record ${seq} does not follow the record before it` });
    }
    if (record.hash !== chainHash(record)) {
      problems.push({ kind: 'wrong_hash', seq, message: `record ${seq} does not have the content that was hashed` });
    }
    if (record.event.eventType === 'audit.gap') {
      problems.push({ kind: 'gap', seq, message: `record ${seq} stands for events that could not be recorded` });
    }
    head = { seq, hash: record.hash };
  }
  if (eventCount !== undefined && records.length !== eventCount) {
    problems.push({
      kind: 'wrong_count',
      seq: head.seq,
      message: `the execution wrote ${eventCount} events, and the chain has ${records.length}`,
    });
  }
  return problems.length === 0 ? { ok: true, head } : { ok: false, problems };
}
