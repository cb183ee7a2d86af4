import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { appendToChain, chainHash, GENESIS_HASH, verifyChain } from '../../../lib/audit/chain.ts';
import type { ChainRecord, WfloEvent } from '../../../lib/audit/events.ts';
import { canonicalJson, sha256 } from '../../../lib/json.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';

const source = { ids: new FakeIds(), clock: new FakeClock() };

function event(reason: string): WfloEvent {
  return buildEvent(source, anExecution(), {
    type: 'workflow.cancelled',
    data: { reason },
    actor: { type: 'system', id: 'test', via: 'test' },
  });
}

const kinds = (records: readonly ChainRecord[], eventCount?: number) => {
  const verdict = verifyChain(records, eventCount);
  return verdict.ok ? [] : verdict.problems.map((problem) => problem.kind);
};

const chain = fc
  .array(fc.string(), { minLength: 1, maxLength: 12 })
  .map((reasons) => appendToChain(undefined, reasons.map(event)));

/** A chain, and a position in it. */
const place = chain.chain((records) => fc.tuple(fc.constant(records), fc.integer({ min: 0, max: records.length - 1 })));

describe('a chain', () => {
  it('is hashed as documented', () => {
    const [record] = appendToChain(undefined, [event('a')]);
    if (record === undefined) throw new Error('no record');
    expect(record).toMatchObject({ seq: 1, prevHash: GENESIS_HASH });
    expect(record.hash).toBe(sha256(canonicalJson({ seq: 1, prevHash: GENESIS_HASH, event: record.event })));
  });

  it('is the same however its events are grouped', () => {
    fc.assert(
      fc.property(place, ([records, at]) => {
        const events = records.map((record) => record.event);
        const first = appendToChain(undefined, events.slice(0, at));
        const rest = appendToChain(first.at(-1), events.slice(at));
        expect([...first, ...rest]).toEqual(records);
      }),
    );
  });

  it('verifies as it was written, also when nothing was', () => {
    fc.assert(
      fc.property(chain, (records) => {
        const { seq, hash } = records.at(-1) as ChainRecord;
        expect(verifyChain(records, records.length)).toEqual({ ok: true, head: { seq, hash } });
      }),
    );
    expect(verifyChain([], 0)).toEqual({ ok: true, head: { seq: 0, hash: GENESIS_HASH } });
  });
});

describe('verification finds', () => {
  it('any edit of an event', () => {
    const edits: readonly ((e: WfloEvent) => WfloEvent)[] = [
      (e) => ({ ...e, data: { ...e.data, reason: `${e.data.reason}.` } }),
      (e) => ({ ...e, data: {} }),
      (e) => ({ ...e, timestamp: '2020-01-01T00:00:00.000Z' }),
      (e) => ({ ...e, actor: { ...e.actor, id: 'somebody else' } }),
      (e) => ({ ...e, stepPath: 'write' }),
      (e) => ({ ...e, eventType: 'workflow.succeeded' }),
    ];
    fc.assert(
      fc.property(place, fc.constantFrom(...edits), ([records, at], edit) => {
        const edited = records.map((record, index) =>
          index === at ? { ...record, event: edit(record.event) } : record,
        );
        expect(kinds(edited)).toEqual(['wrong_hash']);
      }),
    );
  });

  it('an edit whose hash was made anew: the next record does not follow it, or the head is another', () => {
    fc.assert(
      fc.property(place, ([records, at]) => {
        const edited = records.map((record, index) => {
          if (index !== at) return record;
          const link = { ...record, event: event('edited') };
          return { ...link, hash: chainHash(link) };
        });
        const verdict = verifyChain(edited);
        if (at === records.length - 1) {
          expect(verdict.ok && verdict.head.hash).not.toBe(records.at(-1)?.hash);
        } else expect(kinds(edited)).toEqual(['wrong_prev']);
      }),
    );
  });

  it('a record that was taken out', () => {
    fc.assert(
      fc.property(place, ([records, at]) => {
        const cut = records.filter((_, index) => index !== at);
        expect(kinds(cut, records.length)).toContain('wrong_count');
        if (at < records.length - 1) expect(kinds(cut)).toEqual(expect.arrayContaining(['hole', 'wrong_prev']));
      }),
    );
  });

  it('two records that changed places', () => {
    fc.assert(
      fc.property(place, place, ([records, at], [, seed]) => {
        const other = seed % records.length;
        fc.pre(at !== other);
        const swapped = records.map(
          (record, index) => (index === at ? records[other] : index === other ? records[at] : record) as ChainRecord,
        );
        expect(kinds(swapped)).toContain('hole');
      }),
    );
  });

  it('a record that was put in, also with hashes of its own', () => {
    fc.assert(
      fc.property(place, ([records, at]) => {
        const inserted = appendToChain(records[at - 1], [event('inserted')]);
        const longer = [...records.slice(0, at), ...inserted, ...records.slice(at)];
        expect(kinds(longer)).toEqual(expect.arrayContaining(['hole', 'wrong_prev']));
        expect(kinds(longer, records.length)).toContain('wrong_count');
      }),
    );
  });

  it('events that could not be recorded', () => {
    const gap = buildEvent(source, anExecution(), {
      type: 'audit.gap',
      data: { outboxId: '01', itemSha256: 'a'.repeat(64), reason: 'events: too_small' },
      actor: { type: 'system', id: 'wflo', via: 'relay' },
    });
    expect(kinds(appendToChain(undefined, [event('a'), gap]), 2)).toEqual(['gap']);
  });
});
