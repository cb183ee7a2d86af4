import { afterEach, describe, expect, it } from 'vitest';
import { type ClientOptions, createClient } from '../../../lib/client/client.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { controlApi } from '../lambdas/serve-control-api/api-harness.ts';
import { type ApiServer, apiServer, CREDENTIALS, type WireAnswer } from './api-server.ts';

const servers: ApiServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(handle: Parameters<typeof apiServer>[0]): Promise<ApiServer> {
  const server = await apiServer(handle);
  servers.push(server);
  return server;
}

function clientOf(server: { readonly url: string }, options: Partial<ClientOptions> = {}) {
  return createClient({
    url: server.url,
    region: 'eu-central-1',
    credentials: CREDENTIALS,
    pause: async () => {},
    ...options,
  });
}

/** The control API itself, on fakes, behind a door that checks signatures. */
async function served() {
  const api = controlApi();
  const server = await serve(async ({ method, url, body }) => {
    const { status, body: answer } = await api.call(method as 'GET' | 'POST', url, body === '' ? undefined : body);
    return { status, body: JSON.stringify(answer) };
  });
  return { api, server, client: clientOf(server) };
}

const input = { table: 'orders – ünï', days: 30 };
const answer = (status: number, body: unknown): WireAnswer => ({ status, body: JSON.stringify(body) });

describe('the client against the control API', () => {
  it('starts, and says whether it was new', async () => {
    const { client } = await served();
    const first = await client.start({ workflow: 'report', input, name: 'one' });
    expect(first).toMatchObject({ created: true, execution: { executionId: 'report:one', status: 'starting' } });
    const second = await client.start({ workflow: 'report', input, name: 'one' });
    expect(second).toMatchObject({ created: false, execution: { executionId: 'report:one' } });
  });

  it('always sends a name, so that a repeated start is the same start', async () => {
    const { client, server } = await served();
    const { execution } = await client.start({ workflow: 'report', input });
    expect(execution.executionId).toMatch(/^report:\d{8}-\d{6}-[0-9a-f]{8}$/);
    expect(JSON.parse(server.seen[0]?.body ?? '')).toMatchObject({
      name: execution.executionId.slice('report:'.length),
    });
  });

  it('sends the colon of an id encoded, and the signature covers what is sent', async () => {
    const { client, server, api } = await served();
    api.executions.seed({ executions: [anExecution()] });
    expect((await client.describe('report:one')).executionId).toBe('report:one');
    expect(server.seen[0]?.url).toBe('/v1/executions/report%3Aone');
  });

  it('signs queries with characters that URLs and SigV4 encode differently', async () => {
    const { server } = await served();
    const seen = await serve(() => answer(200, { lines: [], cursor: 'x', done: true }));
    const cursor = "a/b+c= d*(é)!'~%";
    await clientOf(seen).logs('report:one', { cursor, limit: 7 });
    const query = new URL(seen.seen[0]?.url ?? '', server.url).searchParams;
    expect(query.get('cursor')).toBe(cursor);
    expect(query.get('limit')).toBe('7');
  });

  it('pages the list as far as it is read', async () => {
    const { client, server, api } = await served();
    api.executions.seed({
      executions: [1, 2, 3, 4, 5].map((n) =>
        anExecution({ executionId: `report:${n}`, startedAt: `2026-01-0${n}T00:00:00.000Z` }),
      ),
    });
    const pages: string[][] = [];
    for await (const page of client.list({ workflow: 'report', pageSize: 2 })) {
      pages.push(page.map((one) => one.executionId));
    }
    expect(pages).toEqual([['report:5', 'report:4'], ['report:3', 'report:2'], ['report:1']]);
    expect(server.seen).toHaveLength(3);
    for await (const page of client.list({ pageSize: 2 })) {
      expect(page).toHaveLength(2);
      break;
    }
    expect(server.seen).toHaveLength(4);
  });

  it('reads workflows, and cancels', async () => {
    const { client, api } = await served();
    expect((await client.workflows()).map((workflow) => workflow.name)).toEqual(['reindex', 'report']);
    api.executions.seed({ executions: [anExecution()] });
    await client.cancel('report:one', { reason: 'wrong table' });
    expect((await api.executions.getExecution('report:one'))?.ending?.reason).toBe('wrong table');
  });

  it('throws the error of the API with code, fix and details', async () => {
    const { client } = await served();
    await expect(client.start({ workflow: 'report', input: { days: 'x' } })).rejects.toMatchObject({
      name: 'WfloError',
      code: 'invalid_input',
      fix: expect.any(String),
      details: { total: 2 },
    });
    await expect(client.describe('report:none')).rejects.toMatchObject({ code: 'unknown_execution' });
  });

  it('is refused with a wrong secret, and not tried again', async () => {
    const { server } = await served();
    const client = clientOf(server, { credentials: { ...CREDENTIALS, secretAccessKey: 'wrong' } });
    await expect(client.describe('report:one')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('signature'),
    });
    expect(server.seen).toHaveLength(0);
  });
});

describe('events', () => {
  it('collects all pages of the chain', async () => {
    const server = await serve(({ url }) =>
      url.endsWith('?after=2')
        ? answer(200, { records: [{ seq: 3 }], eventCount: 3, status: 'succeeded' })
        : answer(200, { records: [{ seq: 1 }, { seq: 2 }], cursor: '2', eventCount: 3, status: 'running' }),
    );
    expect(await clientOf(server).events('report:one')).toEqual({
      records: [{ seq: 1 }, { seq: 2 }, { seq: 3 }],
      eventCount: 3,
      status: 'succeeded',
    });
  });
});

describe('calls that fail on the way', () => {
  it.each([429, 500, 502, 503])('are made again after %i', async (status) => {
    const server = await serve((_, count) =>
      count < 3 ? answer(status, { message: 'later' }) : answer(200, { workflows: [] }),
    );
    expect(await clientOf(server).workflows()).toEqual([]);
    expect(server.seen).toHaveLength(3);
  });

  it('are made again when the connection breaks, a start under its name', async () => {
    const server = await serve((_, count) => (count < 3 ? undefined : answer(201, { executionId: 'report:x' })));
    await clientOf(server).start({ workflow: 'report', input });
    expect(server.seen).toHaveLength(3);
    expect(new Set(server.seen.map((one) => one.body)).size).toBe(1);
  });

  it('end after five tries with what the other side said last', async () => {
    const pauses: number[] = [];
    const server = await serve(() => answer(503, { message: 'busy' }));
    const client = clientOf(server, { pause: async (milliseconds) => void pauses.push(milliseconds) });
    await expect(client.workflows()).rejects.toMatchObject({ code: 'unreachable', details: { status: 503 } });
    expect(server.seen).toHaveLength(5);
    expect(pauses).toHaveLength(4);
  });

  it('tell the error of the API itself, when that is what failed', async () => {
    const server = await serve(() => answer(500, { error: { code: 'internal', message: 'request 7' } }));
    await expect(clientOf(server).workflows()).rejects.toMatchObject({ code: 'internal', message: 'request 7' });
  });

  it.each([400, 403, 404, 409])('are not made again after %i', async (status) => {
    const server = await serve(() => answer(status, { error: { code: 'forbidden', message: 'no' } }));
    await expect(clientOf(server).workflows()).rejects.toMatchObject({ code: 'forbidden' });
    expect(server.seen).toHaveLength(1);
  });

  it('say at once that nobody listens, with the fix of the target', async () => {
    const server = await serve(() => answer(200, {}));
    await server.close();
    const client = clientOf(server, {
      unreachableFix: 'run `wflo local up`',
      pause: () => Promise.reject(new Error('tried again')),
    });
    await expect(client.workflows()).rejects.toMatchObject({ code: 'unreachable', fix: 'run `wflo local up`' });
  });

  it('keep the code of a newer API in the message', async () => {
    const server = await serve(() => answer(409, { error: { code: 'code_of_tomorrow', message: 'wait' } }));
    await expect(clientOf(server).workflows()).rejects.toMatchObject({
      code: 'internal',
      message: 'code_of_tomorrow: wait',
    });
  });

  it('end when they are aborted', async () => {
    const controller = new AbortController();
    const server = await serve(() => {
      controller.abort();
      return new Promise(() => {});
    });
    await expect(clientOf(server).workflows({ signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
