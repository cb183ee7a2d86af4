import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { appendToChain } from '../../../lib/audit/chain.ts';
import { eventBridgeBus } from '../../../lib/aws/event-bridge-bus.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

const source = { ids: new FakeIds(), clock: new FakeClock() };

function recordsOf(...reasons: string[]) {
  return appendToChain(
    undefined,
    reasons.map((reason) =>
      buildEvent(source, anExecution(), {
        type: 'workflow.cancelled',
        data: { reason },
        actor: { type: 'person', id: 'ada', via: 'api' },
      }),
    ),
  );
}

function bus(answer: ScriptedAnswer = { body: { FailedEntryCount: 0, Entries: [] } }) {
  const aws = scriptedAws(() => answer);
  const entries = () => aws.requests.map((request) => JSON.parse(request.body).Entries);
  return { bus: eventBridgeBus({ client: new EventBridgeClient(aws.settings), eventBus: 'wflo-dev' }), entries };
}

describe('the event bus', () => {
  it('gets each record as one event with its place in the chain', async () => {
    const { bus: under, entries } = bus();
    const [record] = recordsOf('enough');
    if (record === undefined) throw new Error('no record');
    await under.publish([record]);
    const [[entry]] = entries() as [[Record<string, unknown>]];
    expect(entry).toMatchObject({ EventBusName: 'wflo-dev', Source: 'wflo', DetailType: 'workflow.cancelled' });
    expect(JSON.parse(String(entry.Detail))).toEqual({
      ...record.event,
      seq: 1,
      prevHash: record.prevHash,
      hash: record.hash,
    });
  });

  it('gets at most 10 a request, in order', async () => {
    const { bus: under, entries } = bus();
    await under.publish(recordsOf(...Array.from({ length: 23 }, (_, index) => String(index))));
    expect(entries().map((request) => request.length)).toEqual([10, 10, 3]);
    const reasons = entries()
      .flat()
      .map((entry) => JSON.parse(entry.Detail).data.reason);
    expect(reasons).toEqual(Array.from({ length: 23 }, (_, index) => String(index)));
  });

  it('gets at most 256 KB a request', async () => {
    const { bus: under, entries } = bus();
    await under.publish(recordsOf(...Array.from({ length: 5 }, () => 'x'.repeat(100_000))));
    expect(entries().map((request) => request.length)).toEqual([2, 2, 1]);
  });

  it('gets an event without its data where that is too large to be delivered', async () => {
    const { bus: under, entries } = bus();
    await under.publish(recordsOf('x'.repeat(300_000)));
    const detail = JSON.parse(entries()[0][0].Detail);
    expect(detail.data).toEqual({ omittedBytes: expect.any(Number) });
    expect(detail.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('throws when an entry was not taken, naming the code', async () => {
    const { bus: under } = bus({
      body: { FailedEntryCount: 1, Entries: [{ EventId: '1' }, { ErrorCode: 'ThrottlingException' }] },
    });
    await expect(under.publish(recordsOf('a', 'b'))).rejects.toThrow(/1 of 2: ThrottlingException/);
  });
});
