import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logBatches } from '../../../lib/aws/log-batches.ts';

const now = new Date('2026-01-01T12:00:00.000Z');
const ids = { executionId: 'report:one', stepPath: 'write', attempt: 1 };
const line = (at: string, text: string) => ({ at, stream: 'stdout' as const, text });
const bytes = (batch: readonly { readonly message: string }[]) =>
  batch.reduce((sum, event) => sum + Buffer.byteLength(event.message) + 26, 0);

describe('log batches', () => {
  it('are none for no lines', () => {
    expect(logBatches([], ids, now)).toEqual([]);
  });

  it('are in time order, with ids in every message', () => {
    const [batch = []] = logBatches(
      [line('2026-01-01T11:00:01.000Z', 'b'), line('2026-01-01T11:00:00.000Z', 'a')],
      ids,
      now,
    );
    expect(batch.map((event) => JSON.parse(event.message))).toEqual([
      { ...line('2026-01-01T11:00:00.000Z', 'a'), ...ids },
      { ...line('2026-01-01T11:00:01.000Z', 'b'), ...ids },
    ]);
  });

  it('keep to 10,000 events, 1 MiB and 24 hours', () => {
    const many = logBatches(
      Array.from({ length: 10_001 }, () => line(now.toISOString(), 'x')),
      ids,
      now,
    );
    expect(Math.max(...many.map((batch) => batch.length))).toBeLessThanOrEqual(10_000);
    const large = logBatches(
      Array.from({ length: 30 }, () => line(now.toISOString(), 'x'.repeat(100_000))),
      ids,
      now,
    );
    expect(Math.max(...large.map(bytes))).toBeLessThanOrEqual(1_048_576);
    expect(large.flat()).toHaveLength(30);
    const wide = logBatches([line('2025-12-30T12:00:00.000Z', 'a'), line('2025-12-31T12:00:00.000Z', 'b')], ids, now);
    expect(wide).toHaveLength(2);
  });

  it('split a line that is too long, and lose nothing of it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('a', 'ä', '😀', '\u0001', '"'),
        fc.integer({ min: 1, max: 300_000 }),
        (unit, count) => {
          const text = unit.repeat(count);
          const events = logBatches([line(now.toISOString(), text)], ids, now).flat();
          expect(events.map((event) => JSON.parse(event.message).text).join('')).toBe(text);
          for (const { message } of events) {
            expect(Buffer.byteLength(message) + 26).toBeLessThanOrEqual(256 * 1024);
            expect(JSON.parse(message).text).not.toMatch(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('move times that CloudWatch would drop without a word, and keep them in the message', () => {
    const events = logBatches(
      [line('1999-01-01T00:00:00.000Z', 'old'), line('2099-01-01T00:00:00.000Z', 'new')],
      ids,
      now,
    );
    const [old, later] = events.flat();
    expect(old?.timestamp).toBeGreaterThan(now.getTime() - 14 * 24 * 3600 * 1000);
    expect(later?.timestamp).toBeLessThan(now.getTime() + 2 * 3600 * 1000);
    expect(JSON.parse(old?.message ?? '').at).toBe('1999-01-01T00:00:00.000Z');
  });

  it('give a line without a time the time of now', () => {
    expect(logBatches([line('yesterday', 'x')], ids, now)[0]?.[0]?.timestamp).toBe(now.getTime());
  });
});
