import { afterEach, describe, expect, it } from 'vitest';
import { type ControlApiClient, createClient } from '../../../lib/client/client.ts';
import { type ApiServer, apiServer, CREDENTIALS, type WireAnswer } from './api-server.ts';

const servers: ApiServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const answer = (status: number, body: unknown): WireAnswer => ({ status, body: JSON.stringify(body) });

async function served(handle: Parameters<typeof apiServer>[0]) {
  const server = await apiServer(handle);
  servers.push(server);
  const client = createClient({
    url: server.url,
    region: 'eu-central-1',
    credentials: CREDENTIALS,
    pause: async () => {},
  });
  return { server, client };
}

const ARN = 'arn:aws:iam::123456789012:user/ada';
const ADA = { personId: 'ada', name: 'Ada', roles: ['operator'] } as const;
const ID = 'report:one:all.send:1';
const PATH = '/v1/approvals/report%3Aone%3Aall.send%3A1';

describe('calls for approvals, people and emergency stops', () => {
  const calls: [string, (client: ControlApiClient) => Promise<unknown>, string, unknown?][] = [
    ['approval', (client) => client.approval(ID), `GET ${PATH}`],
    [
      'decide',
      (client) => client.decide(ID, { decision: 'approve', payloadHash: 'a'.repeat(64) }),
      `POST ${PATH}/decision`,
      { decision: 'approve', payloadHash: 'a'.repeat(64) },
    ],
    ['me', (client) => client.me(), 'GET /v1/me'],
    ['people', (client) => client.people(), 'GET /v1/people'],
    [
      'bootstrap',
      (client) => client.bootstrap({ personId: 'ada', name: 'Ada' }),
      'POST /v1/people/bootstrap',
      { personId: 'ada', name: 'Ada' },
    ],
    ['addPerson', (client) => client.addPerson(ADA), 'POST /v1/people', ADA],
    [
      'changePerson',
      (client) => client.changePerson(ADA),
      'PUT /v1/people/ada',
      { name: ADA.name, roles: ['operator'] },
    ],
    ['removePerson', (client) => client.removePerson('ada'), 'DELETE /v1/people/ada'],
    ['link', (client) => client.link('ada', ARN), 'POST /v1/people/ada/identities', { arn: ARN }],
    ['unlink', (client) => client.unlink('ada', ARN), 'DELETE /v1/people/ada/identities', { arn: ARN }],
    ['groups', (client) => client.groups(), 'GET /v1/groups'],
    ['setGroup', (client) => client.setGroup('a/b', ['ada']), 'PUT /v1/groups/a%2Fb', { members: ['ada'] }],
    ['attestRole', (client) => client.attestRole(ARN), 'POST /v1/attested-roles', { roleArn: ARN }],
    [
      'addTenant',
      (client) => client.addTenant({ tenant: 'acme', personId: 'bob', name: 'Bob', arn: ARN }),
      'POST /v1/tenants',
      { tenant: 'acme', personId: 'bob', name: 'Bob', arn: ARN },
    ],
    ['frozen', (client) => client.frozen(), 'GET /v1/freeze'],
    [
      'freeze',
      (client) => client.freeze({ all: true, reason: 'leak' }),
      'POST /v1/freeze',
      { all: true, reason: 'leak' },
    ],
    ['unfreeze', (client) => client.unfreeze({ workflow: 'report' }), 'POST /v1/unfreeze', { workflow: 'report' }],
  ];

  it.each(calls)('%s', async (_, make, line, body) => {
    const { server, client } = await served(() => answer(200, {}));
    await make(client);
    const [seen] = server.seen;
    expect(`${seen?.method} ${seen?.url}`).toBe(line);
    expect(seen?.body).toBe(body === undefined ? '' : JSON.stringify(body));
  });

  it('unwrap lists', async () => {
    const { client } = await served(({ url }) => answer(200, { [url.slice('/v1/'.length)]: [1] }));
    expect(await client.people()).toEqual([1]);
    expect(await client.groups()).toEqual([1]);
  });

  it('page approvals as far as they are read', async () => {
    const { server, client } = await served(({ url }) =>
      url.includes('cursor=next') ? answer(200, { approvals: [2] }) : answer(200, { approvals: [1], cursor: 'next' }),
    );
    const pages: unknown[] = [];
    for await (const page of client.approvals({ all: true, pageSize: 50 })) pages.push(page);
    expect(pages).toEqual([[1], [2]]);
    expect(server.seen.map((one) => one.url)).toEqual([
      '/v1/approvals?all=true&limit=50',
      '/v1/approvals?all=true&limit=50&cursor=next',
    ]);
    for await (const page of client.approvals()) {
      expect(page).toEqual([1]);
      break;
    }
    expect(server.seen.at(-1)?.url).toBe('/v1/approvals');
  });

  it('collect the whole chain of a tenant', async () => {
    const { client } = await served(({ url }) =>
      url.endsWith('?after=1')
        ? answer(200, { records: [{ seq: 2 }], eventCount: 3 })
        : answer(200, { records: [{ seq: 1 }], cursor: '1', eventCount: 3 }),
    );
    expect(await client.tenantEvents()).toEqual({ records: [{ seq: 1 }, { seq: 2 }], eventCount: 3 });
  });
});

describe('what makes a person or a tenant', () => {
  it('is sent again where it was throttled', async () => {
    const { server, client } = await served((_, count) => answer(count < 3 ? 429 : 201, {}));
    await client.addPerson(ADA);
    expect(server.seen).toHaveLength(3);
  });

  it('is not sent again where it may have been done, since the repeat would be refused', async () => {
    const broken = await served(() => undefined);
    await expect(broken.client.addPerson(ADA)).rejects.toMatchObject({
      code: 'unreachable',
      fix: expect.stringContaining('look before you repeat it'),
    });
    const failed = await served(() => answer(500, { error: { code: 'internal', message: 'request 7' } }));
    await expect(failed.client.bootstrap({ personId: 'ada', name: 'Ada' })).rejects.toMatchObject({ code: 'internal' });
    expect([broken.server.seen.length, failed.server.seen.length]).toEqual([1, 1]);
  });

  it('a decision is sent again: the same decision is the same', async () => {
    const { server, client } = await served((_, count) => (count < 3 ? undefined : answer(200, {})));
    await client.decide(ID, { decision: 'approve' });
    expect(server.seen).toHaveLength(3);
  });
});
