import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { parseOutboxItem } from '../../../lib/audit/parse-outbox-item.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';

const source = { ids: new FakeIds(), clock: new FakeClock() };
const event = buildEvent(source, anExecution(), {
  type: 'step.retried',
  data: { reason: 'sandbox_lost', waitSeconds: 3 },
  actor: { type: 'system', id: 'wflo', via: 'finish' },
  stepPath: 'write',
  attempt: 1,
});
const item = {
  schema: 1,
  executionId: 'report:one',
  outboxId: source.ids.next(),
  events: [event],
  createdAt: '2026-01-01T00:00:00.000Z',
};

describe('an outbox item', () => {
  it('is taken without the attributes of its table', () => {
    const row = { pk: 'EXEC#report:one', sk: item.outboxId, unpublishedShard: '3', ...item };
    expect(parseOutboxItem(row)).toEqual({ ok: true, item });
  });

  it('keeps fields of a newer version', () => {
    const newer = { ...event, colour: 'blue', data: { ...event.data, extra: 1 } };
    expect(parseOutboxItem({ ...item, events: [newer] })).toEqual({ ok: true, item: { ...item, events: [newer] } });
  });

  it.each([
    ['nothing', undefined, 'item: invalid_type'],
    ['a text', 'x', 'item: invalid_type'],
    ['no events', { ...item, events: [] }, 'events: too_small'],
    ['a schema of a later release', { ...item, schema: 99 }, 'schema: too_big'],
    [
      'an unknown type',
      { ...item, events: [{ ...event, eventType: 'step.exploded' }] },
      'events.0.eventType: invalid_value',
    ],
    [
      'data of another type',
      { ...item, events: [{ ...event, data: { reason: 'x' } }] },
      'events.0.data.waitSeconds: invalid_type',
    ],
    [
      'an event of another execution',
      { ...item, events: [{ ...event, executionId: 'other:one' }] },
      'events.0.executionId: belongs to another execution',
    ],
  ])('with %s is poison, and the reason shows no value', (_what, value, reason) => {
    expect(parseOutboxItem(value)).toEqual({ ok: false, reason });
  });
});
