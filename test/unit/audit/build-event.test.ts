import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';

const source = () => ({ ids: new FakeIds(), clock: new FakeClock() });
const actor = { type: 'runner', id: 'lease', via: 'sandbox' } as const;

describe('an event', () => {
  it('takes its context from the execution', () => {
    const execution = anExecution({ traceId: '1-abc' });
    expect(
      buildEvent(source(), execution, {
        type: 'sandbox.claimed',
        data: { leaseId: 'lease', epoch: 1 },
        actor,
        stepPath: 'write',
        attempt: 2,
      }),
    ).toEqual({
      eventId: `01${'1'.padStart(24, '0')}`,
      eventType: 'sandbox.claimed',
      timestamp: '2026-01-01T00:00:00.000Z',
      service: 'wflo',
      version: 1,
      executionId: 'report:one',
      workflow: 'report',
      stepPath: 'write',
      attempt: 2,
      correlationId: 'report:one',
      traceId: '1-abc',
      actor,
      data: { leaseId: 'lease', epoch: 1 },
    });
  });

  it('leaves out what the catalogue does not know: details of errors have no bound', () => {
    const error = { code: 'invalid_output' as const, message: 'no', details: 'x'.repeat(1000) };
    const { data } = buildEvent(source(), anExecution(), { type: 'step.failed', data: { error }, actor });
    expect(data).toEqual({ error: { code: 'invalid_output', message: 'no' } });
  });

  it('has no field without a value', () => {
    const event = buildEvent(source(), anExecution(), {
      type: 'step.succeeded',
      data: { outputSha256: undefined },
      actor,
    });
    expect(Object.keys(event.data)).toEqual([]);
    expect(Object.keys(event)).not.toContain('stepPath');
  });

  it('with wrong data cannot be built', () => {
    expect(() =>
      buildEvent(source(), anExecution(), {
        type: 'step.prepared',
        data: { kind: 'sandbox', payloadHash: 'short' },
        actor,
      }),
    ).toThrow(/payloadHash/);
  });
});
