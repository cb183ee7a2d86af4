import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { buildEvent } from '../../../lib/audit/build-event.ts';
import { dynamoAuditStore } from '../../../lib/aws/dynamo-audit-store.ts';
import { dynamoExecutionStore } from '../../../lib/aws/dynamo-execution-store.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { awsError, type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

// The local AWS writes one transaction after the other and never reports a conflict: only here it is seen.

const cancelled = (...codes: string[]) =>
  awsError('com.amazonaws.dynamodb.v20120810#TransactionCanceledException', {
    CancellationReasons: codes.map((Code) => ({ Code })),
  });

function storeThatAnswers(...answers: ScriptedAnswer[]) {
  const aws = scriptedAws((_request, index) => answers[Math.min(index, answers.length - 1)] ?? {});
  const waits: number[] = [];
  const [clock, ids] = [new FakeClock(), new FakeIds()];
  const retry = {
    random: () => 0.5,
    async wait(milliseconds: number) {
      waits.push(milliseconds);
    },
  };
  const client = new DynamoDBClient(aws.settings);
  const tables = { stateTable: 'state', eventsTable: 'events', retentionDays: 400 };
  const store = dynamoExecutionStore({ client, ...tables, ids, clock, retry });
  const execution = anExecution();
  const commit = () =>
    store.commit({
      executionId: execution.executionId,
      changes: [{ item: 'execution', set: { status: 'failed' }, expect: { status: 'running' } }],
      events: [
        buildEvent({ ids, clock }, execution, {
          type: 'workflow.failed',
          data: { error: { code: 'agent_failed', message: 'exit 3' } },
          actor: { type: 'system', id: 'test', via: 'test' },
        }),
      ],
    });
  return { ...aws, client, commit, waits, retry };
}

describe('a commit in conflict', () => {
  it.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'is repeated after %s, as the same transaction',
    async (code) => {
      const { commit, requests, waits } = storeThatAnswers(cancelled('None', code), cancelled(code, 'None'), {});
      expect(await commit()).toBe(true);
      expect(requests).toHaveLength(3);
      expect(new Set(requests.map((request) => request.body)).size).toBe(1);
      expect(JSON.parse(requests[0]?.body ?? '').ClientRequestToken).toMatch(/^01\d{24}$/);
      expect(waits).toEqual([10, 20]);
    },
  );

  it('is repeated while the same transaction is in progress', async () => {
    const { commit, requests } = storeThatAnswers(awsError('TransactionInProgressException'), {});
    expect(await commit()).toBe(true);
    expect(requests).toHaveLength(2);
  });

  it('gives up after about 3 seconds, with the error', async () => {
    const { commit, waits } = storeThatAnswers(cancelled('TransactionConflict', 'None'));
    await expect(commit()).rejects.toMatchObject({ name: 'TransactionCanceledException' });
    const total = waits.reduce((sum, wait) => sum + wait, 0);
    expect(total).toBeGreaterThanOrEqual(3000);
    expect(total).toBeLessThanOrEqual(3400);
    expect(Math.max(...waits)).toBe(200);
  });

  it('is refused, and not repeated, when an expectation does not hold', async () => {
    const { commit, requests } = storeThatAnswers(cancelled('ConditionalCheckFailed', 'TransactionConflict'));
    expect(await commit()).toBe(false);
    expect(requests).toHaveLength(1);
  });

  it.each([cancelled('ValidationError', 'None'), awsError('ResourceNotFoundException')])(
    'throws what will not pass: %j',
    async (answer) => {
      const { commit, requests } = storeThatAnswers(answer);
      await expect(commit()).rejects.toThrow();
      expect(requests).toHaveLength(1);
    },
  );
});

describe('an append in conflict', () => {
  it('starts from the new head when somebody else has appended', async () => {
    const heads = [undefined, { seq: { N: '4' }, hash: { S: 'h' } }];
    let reads = 0;
    let writes = 0;
    const aws = scriptedAws(({ operation }) => {
      if (operation === 'GetItem') {
        const head = heads[reads];
        reads += 1;
        return { body: head === undefined ? {} : { Item: head } };
      }
      writes += 1;
      return writes === 1 ? cancelled('None', 'ConditionalCheckFailed', 'None') : {};
    });
    const [clock, ids] = [new FakeClock(), new FakeIds()];
    const store = dynamoAuditStore({ client: new DynamoDBClient(aws.settings), auditTable: 'audit' });
    const execution = anExecution();
    const event = buildEvent({ ids, clock }, execution, {
      type: 'step.started',
      data: {},
      actor: { type: 'system', id: 'test', via: 'test' },
    });
    const records = await store.append({
      schema: 1,
      executionId: execution.executionId,
      outboxId: ids.next(),
      events: [event],
      createdAt: clock.now().toISOString(),
    });
    expect(records).toMatchObject([{ seq: 5, prevHash: 'h' }]);
  });
});
