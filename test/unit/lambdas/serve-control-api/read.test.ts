import { describe, expect, it } from 'vitest';
import type {
  EventsAnswer,
  ExecutionView,
  ListAnswer,
  LogsAnswer,
  WorkflowsAnswer,
} from '../../../../lib/client/api.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { FakeIds } from '../../../_helpers/fakes/fake-ids.ts';
import { anAttempt, anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi, REPORT } from './api-harness.ts';

describe('describe', () => {
  it('merges the declared steps with their latest attempts', async () => {
    const api = controlApi();
    api.executions.seed({
      executions: [
        anExecution({
          steps: [
            { path: 'plan', kind: 'sandbox' },
            { path: 'write', kind: 'sandbox' },
            { path: 'send', kind: 'lambda' },
          ],
        }),
      ],
      attempts: [
        anAttempt({
          path: 'plan',
          attempt: 1,
          status: 'succeeded',
          endedAt: '2026-01-01T00:00:09.000Z',
          exit: { reason: 'ok', code: 0 },
        }),
        anAttempt({ path: 'write', attempt: 1, status: 'retried' }),
        anAttempt({ path: 'write', attempt: 2, status: 'failed', error: { code: 'timed_out', message: 'after 60 s' } }),
      ],
    });
    const { status, body } = await api.call<ExecutionView>('GET', '/v1/executions/report:one');
    expect(status).toBe(200);
    expect(body.steps).toEqual([
      {
        path: 'plan',
        kind: 'sandbox',
        status: 'succeeded',
        attempt: 1,
        startedAt: '2026-01-01T00:00:01.500Z',
        endedAt: '2026-01-01T00:00:09.000Z',
        exit: { reason: 'ok', code: 0 },
        costUsd: null,
      },
      {
        path: 'write',
        kind: 'sandbox',
        status: 'failed',
        attempt: 2,
        startedAt: '2026-01-01T00:00:01.500Z',
        endedAt: null,
        error: { code: 'timed_out', message: 'after 60 s' },
        costUsd: null,
      },
      { path: 'send', kind: 'lambda', status: 'pending', attempt: 0, startedAt: null, endedAt: null, costUsd: null },
    ]);
  });

  it('answers the stored output inline, and one above 2 MiB by URL', async () => {
    const api = controlApi();
    const small = await api.blobs.put('report:small', 'output', { greeting: 'hello' });
    const large = await api.blobs.put('report:large', 'output', { text: 'x'.repeat(2 * 1024 * 1024) });
    api.executions.seed({
      executions: [
        anExecution({ executionId: 'report:small', status: 'succeeded', output: small }),
        anExecution({ executionId: 'report:large', status: 'succeeded', output: large }),
      ],
    });
    const inline = await api.call<ExecutionView>('GET', '/v1/executions/report%3Asmall');
    expect(inline.body.output).toEqual({ greeting: 'hello' });
    const byUrl = await api.call<ExecutionView>('GET', '/v1/executions/report%3Alarge');
    expect(byUrl.body).not.toHaveProperty('output');
    expect(byUrl.body.outputUrl).toBe('memory:///blobs/report/large/output');
  });

  it.each(['report:none', 'report', 'report:one:two', '%F0%9F%98%80'])('says unknown_execution for %s', async (id) => {
    const answer = await controlApi().call('GET', `/v1/executions/${id}`);
    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'unknown_execution' } } });
  });

  it('shows nothing of another tenant', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ tenant: 'other' })] });
    for (const path of ['', '/events', '/logs']) {
      const answer = await api.call('GET', `/v1/executions/report:one${path}`);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'unknown_execution' } } });
    }
    const list = await api.call<ListAnswer>('GET', '/v1/executions');
    expect(list.body.executions).toEqual([]);
  });
});

describe('list', () => {
  const three = [1, 2, 3].map((day) =>
    anExecution({
      executionId: `report:${day}`,
      startedAt: `2026-01-0${day}T00:00:00.000Z`,
      status: day === 2 ? 'failed' : 'succeeded',
    }),
  );

  it('pages newest first', async () => {
    const api = controlApi();
    api.executions.seed({ executions: three });
    const first = await api.call<ListAnswer>('GET', '/v1/executions?limit=2');
    expect(first.body.executions.map((one) => one.executionId)).toEqual(['report:3', 'report:2']);
    const rest = await api.call<ListAnswer>('GET', `/v1/executions?limit=2&cursor=${first.body.cursor}`);
    expect(rest.body.executions.map((one) => one.executionId)).toEqual(['report:1']);
    expect(rest.body).not.toHaveProperty('cursor');
  });

  it('filters by workflow and status', async () => {
    const api = controlApi();
    api.executions.seed({ executions: three });
    const failed = await api.call<ListAnswer>('GET', '/v1/executions?workflow=report&status=failed');
    expect(failed.body.executions.map((one) => one.executionId)).toEqual(['report:2']);
    const none = await api.call<ListAnswer>('GET', '/v1/executions?workflow=reindex');
    expect(none).toMatchObject({ status: 200, body: { executions: [] } });
  });

  it('refuses a workflow that is neither deployed nor was ever run, and bad parameters', async () => {
    const api = controlApi();
    expect(await api.call('GET', '/v1/executions?workflow=raport')).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown_workflow' } },
    });
    for (const query of ['status=done', 'limit=0', 'limit=101', 'limit=x', 'order=asc', 'cursor=']) {
      expect(await api.call('GET', `/v1/executions?${query}`)).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request' } },
      });
    }
  });
});

describe('workflows', () => {
  it('lists names and input schemas', async () => {
    const { body } = await controlApi().call<WorkflowsAnswer>('GET', '/v1/workflows');
    expect(body.workflows).toEqual([
      { name: 'reindex', inputSchema: REPORT.inputSchema },
      { name: 'report', inputSchema: REPORT.inputSchema },
    ]);
  });
});

describe('events', () => {
  it('pages the chain by sequence number, with the count that it must come to', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ eventCount: 4 })] });
    const ids = new FakeIds();
    await api.audit.append({
      schema: 1,
      executionId: 'report:one',
      outboxId: ids.next(),
      createdAt: '2026-01-01T00:00:00.000Z',
      events: [1, 2, 3].map(() => ({
        eventId: ids.next(),
        eventType: 'step.started' as const,
        timestamp: '2026-01-01T00:00:00.000Z',
        service: 'wflo' as const,
        version: 1,
        executionId: 'report:one',
        workflow: 'report',
        correlationId: 'report:one',
        traceId: 'report:one',
        actor: { type: 'system' as const, id: 'wflo', via: 'step-functions' },
        data: {},
      })),
    });
    const first = await api.call<EventsAnswer>('GET', '/v1/executions/report:one/events?limit=2');
    expect(first.body.records.map((record) => record.seq)).toEqual([1, 2]);
    expect(first.body).toMatchObject({ cursor: '2', eventCount: 4, status: 'running' });
    const rest = await api.call<EventsAnswer>('GET', '/v1/executions/report:one/events?limit=2&after=2');
    expect(rest.body.records.map((record) => record.seq)).toEqual([3]);
    expect(rest.body).not.toHaveProperty('cursor');
  });
});

describe('logs', () => {
  const line = (text: string, second: number) => ({
    at: `2026-01-01T00:00:0${second}.000Z`,
    stream: 'stdout' as const,
    text,
  });

  it('pages, narrows to a step, and goes on past the end until the execution is final', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ steps: REPORT.steps })] });
    await api.logs.write('report:one', 'plan', 1, [line('a', 1), line('b', 2)]);
    await api.logs.write('report:one', 'write', 1, [line('c', 3)]);
    const first = await api.call<LogsAnswer>('GET', '/v1/executions/report:one/logs?limit=2');
    expect(first.body.lines.map(({ text }) => text)).toEqual(['a', 'b']);
    const step = await api.call<LogsAnswer>('GET', '/v1/executions/report:one/logs?step=write');
    expect(step.body.lines.map(({ text }) => text)).toEqual(['c']);
    const second = await api.call<LogsAnswer>('GET', `/v1/executions/report:one/logs?cursor=${first.body.cursor}`);
    expect(second.body).toMatchObject({ lines: [{ text: 'c' }], done: false });
    const end = await api.call<LogsAnswer>('GET', `/v1/executions/report:one/logs?cursor=${second.body.cursor}`);
    expect(end.body).toMatchObject({ lines: [], cursor: second.body.cursor, done: false });
  });

  it('is done only when lines have had the time to arrive', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ status: 'failed', endedAt: '2026-11-24T11:59:58.000Z' })] });
    const early = await api.call<LogsAnswer>('GET', '/v1/executions/report:one/logs');
    expect(early.body.done).toBe(false);
    api.clock.advance(5);
    const late = await api.call<LogsAnswer>('GET', '/v1/executions/report:one/logs');
    expect(late.body.done).toBe(true);
  });

  it('names the steps when there is none of that name', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ steps: REPORT.steps })] });
    const answer = await api.call('GET', '/v1/executions/report:one/logs?step=plam');
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request', details: { steps: ['plan', 'write'] } } },
    });
  });
});

describe('the door', () => {
  it.each([undefined, {}, { requestContext: {} }, { requestContext: { identity: { userArn: null } } }])(
    'is closed without a proven identity: %j',
    async (bindings) => {
      const api = controlApi();
      for (const [method, path] of [
        ['GET', '/v1/executions'],
        ['GET', '/v1/workflows'],
        ['POST', '/v1/executions'],
      ] as const) {
        const answer = await api.call(method, path, method === 'POST' ? {} : undefined, bindings ?? {});
        expect(answer).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
      }
    },
  );

  it('says unknown_route for what does not exist', async () => {
    expect(await controlApi().call('GET', '/v1/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown_route' } },
    });
  });

  it('tells of an unexpected failure by its request id only', async () => {
    const api = controlApi();
    const failure = new Error('arn:aws:dynamodb:us-east-1:123456789012:table/secret-name');
    api.executions.getExecution = () => Promise.reject(failure);
    const answer = await api.call('GET', '/v1/executions/report:one');
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal' } } });
    expect(answer.body.error.message).toContain('req-1');
    expect(JSON.stringify(answer.body)).not.toContain('secret-name');
    expect(api.unexpected).toEqual([failure]);
  });

  it('answers 500 when a stored value does not have its hash', async () => {
    const api = controlApi();
    const output = await api.blobs.put('report:one', 'output', 1);
    api.executions.seed({ executions: [anExecution({ status: 'succeeded', output })] });
    api.blobs.tamper('report:one', output, '2');
    const answer = await api.call('GET', '/v1/executions/report:one');
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'payload_changed' } } });
    expect(api.unexpected[0]).toSatisfy(WfloError.is);
  });
});
