import { describe, expect, it } from 'vitest';
import type {
  ExecutionView,
  GroupsAnswer,
  GroupView,
  PeopleAnswer,
  PersonView,
  TenantEventsAnswer,
} from '../../../../lib/client/api.ts';
import { aGroup, aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { ADA, controlApi, signedBy } from './api-harness.ts';

const BOB = 'arn:aws:iam::123456789012:user/bob';
const ROLE = 'arn:aws:iam::123456789012:role/engineers';
const session = (name: string) => `arn:aws:sts::123456789012:assumed-role/engineers/${name}`;
const bob = { personId: 'bob', name: 'Bob', roles: ['operator'] };
const refused = (status: number, code: string) => ({ status, body: { error: { code } } });

describe('a caller whom nobody has linked', () => {
  it('is told which ARN to link', async () => {
    const answer = await controlApi().call('GET', '/v1/me', undefined, signedBy(session('eve')));
    expect(answer).toMatchObject(refused(403, 'unknown_person'));
    expect(answer.body.error.details).toEqual({ arn: ROLE });
    expect(answer.body.error.fix).toContain(ROLE);
  });

  it('starts nothing', async () => {
    const api = controlApi();
    const start = { workflow: 'report', input: { table: 'orders', days: 1 }, name: 'one' };
    expect(await api.call('POST', '/v1/executions', start, signedBy(BOB))).toMatchObject(
      refused(403, 'unknown_person'),
    );
    expect(await api.executions.getExecution('report:one')).toBeUndefined();
  });
});

describe('bootstrap', () => {
  const first = { personId: 'bob', name: 'Bob' };

  it('makes the first caller an administrator, and then nobody', async () => {
    const api = controlApi({ people: fakePeopleStore() });
    const made = await api.call<PersonView>('POST', '/v1/people/bootstrap', first, signedBy(BOB));
    expect(made).toEqual({
      status: 201,
      body: {
        tenant: 'default',
        personId: 'bob',
        name: 'Bob',
        roles: ['administrator'],
        groups: [],
        identities: [BOB],
        active: true,
      },
    });
    expect(await api.call('GET', '/v1/me', undefined, signedBy(BOB))).toMatchObject({ status: 200, body: made.body });
    const again = await api.call('POST', '/v1/people/bootstrap', { personId: 'eve', name: 'Eve' });
    expect(again).toMatchObject(refused(409, 'already_bootstrapped'));
    expect(api.people.events()).toMatchObject([
      { eventType: 'people.bootstrapped', actor: { type: 'principal', id: BOB, via: 'api' } },
    ]);
  });

  it('links the role of a session whose name the caller chose', async () => {
    const api = controlApi({ people: fakePeopleStore() });
    const made = await api.call<PersonView>('POST', '/v1/people/bootstrap', first, signedBy(session('bob')));
    expect(made.body.identities).toEqual([ROLE]);
    expect((await api.call('GET', '/v1/me', undefined, signedBy(session('other')))).status).toBe(200);
  });
});

describe('people', () => {
  it('are added, changed, linked, unlinked and removed by an administrator, who is the actor', async () => {
    const api = controlApi();
    const added = await api.call<PersonView>('POST', '/v1/people', bob);
    expect(added).toMatchObject({ status: 201, body: { personId: 'bob', roles: ['operator'], identities: [] } });
    const linked = await api.call<PersonView>('POST', '/v1/people/bob/identities', { arn: BOB });
    expect(linked).toMatchObject({ status: 200, body: { identities: [BOB] } });
    const changed = await api.call<PersonView>('PUT', '/v1/people/bob', { name: 'Robert', roles: ['viewer'] });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Robert', roles: ['viewer'], identities: [BOB] } });
    const me = await api.call<PersonView>('GET', '/v1/me', undefined, signedBy(BOB));
    expect(me).toMatchObject({ status: 200, body: changed.body });
    const unlinked = await api.call<PersonView>('DELETE', '/v1/people/bob/identities', { arn: BOB });
    expect(unlinked).toMatchObject({ status: 200, body: { identities: [] } });
    expect(await api.call('GET', '/v1/me', undefined, signedBy(BOB))).toMatchObject(refused(403, 'unknown_person'));
    const removed = await api.call<PersonView>('DELETE', '/v1/people/bob');
    expect(removed).toMatchObject({ status: 200, body: { active: false, roles: [] } });
    expect((await api.call<PeopleAnswer>('GET', '/v1/people')).body.people.map(({ personId }) => personId)).toEqual([
      'ada',
      'bob',
    ]);
    for (const event of api.people.events()) {
      expect(event.actor).toEqual({ type: 'person', id: 'ada', via: 'api' });
    }
  });

  it('of another tenant do not exist', async () => {
    const api = controlApi();
    api.people.seed({ people: [aPerson({ personId: 'eve', tenant: 'other' })] });
    const change = { name: 'Mallory', roles: [] };
    expect(await api.call('PUT', '/v1/people/eve', change)).toMatchObject(refused(404, 'unknown_person'));
    expect(await api.call('DELETE', '/v1/people/eve')).toMatchObject(refused(404, 'unknown_person'));
    const link = await api.call('POST', '/v1/people/eve/identities', { arn: BOB });
    expect(link).toMatchObject(refused(404, 'unknown_person'));
    expect((await api.call<PeopleAnswer>('GET', '/v1/people')).body.people).toHaveLength(1);
  });

  it('are refused where a rule says so', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/people', bob);
    for (const [method, path, body, status, code] of [
      ['POST', '/v1/people', bob, 409, 'person_exists'],
      ['POST', '/v1/people/bob/identities', { arn: ADA }, 409, 'person_exists'],
      ['DELETE', '/v1/people/ada', undefined, 409, 'last_administrator'],
      ['PUT', '/v1/people/ada', { name: 'Ada', roles: ['viewer'] }, 409, 'last_administrator'],
      ['DELETE', '/v1/people/ada/identities', { arn: ADA }, 409, 'last_administrator'],
      ['PUT', '/v1/people/nobody', { name: 'X', roles: [] }, 404, 'unknown_person'],
      ['PUT', '/v1/groups/data-owners', { members: ['nobody'] }, 404, 'unknown_person'],
      ['POST', '/v1/people/bob/identities', { arn: session('bob') }, 400, 'invalid_request'],
      ['POST', '/v1/people/bob/identities', { arn: 'bob' }, 400, 'invalid_request'],
      ['POST', '/v1/people', { ...bob, personId: 'Bob' }, 400, 'invalid_request'],
      ['POST', '/v1/people', { ...bob, roles: ['root'] }, 400, 'invalid_request'],
      ['POST', '/v1/people', { ...bob, tenant: 'other' }, 400, 'invalid_request'],
      ['POST', '/v1/people', '{"personId":', 400, 'malformed_json'],
      ['PUT', '/v1/groups/Data', { members: [] }, 400, 'invalid_request'],
      ['POST', '/v1/attested-roles', { roleArn: session('bob') }, 400, 'invalid_request'],
    ] as const) {
      expect(await api.call(method, path, body), `${method} ${path}`).toMatchObject(refused(status, code));
    }
    expect(api.people.events()).toHaveLength(1);
  });
});

describe('groups', () => {
  it('are set and listed, and let their members read', async () => {
    const api = controlApi();
    api.people.seed({ people: [aPerson({ personId: 'bob' })] });
    expect(await api.call('GET', '/v1/executions', undefined, signedBy(BOB))).toMatchObject(refused(403, 'forbidden'));
    const set = await api.call<GroupView>('PUT', '/v1/groups/data-owners', { members: ['bob', 'ada'] });
    expect(set).toEqual({ status: 200, body: { group: 'data-owners', members: ['ada', 'bob'] } });
    expect((await api.call<GroupsAnswer>('GET', '/v1/groups')).body.groups).toEqual([set.body]);
    expect((await api.call('GET', '/v1/executions', undefined, signedBy(BOB))).status).toBe(200);
    const me = await api.call<PersonView>('GET', '/v1/me', undefined, signedBy(BOB));
    expect(me.body.groups).toEqual(['data-owners']);
  });
});

describe('attested roles', () => {
  it('make each of their sessions a person', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/people', bob);
    const attested = await api.call('POST', '/v1/attested-roles', {
      roleArn: 'arn:aws:iam::123456789012:role/teams/engineers',
    });
    expect(attested).toEqual({ status: 200, body: { roleArn: ROLE } });
    await api.call('POST', '/v1/people/bob/identities', { arn: session('bob') });
    expect(await api.call('GET', '/v1/me', undefined, signedBy(session('bob')))).toMatchObject({
      status: 200,
      body: { personId: 'bob' },
    });
    const other = await api.call('GET', '/v1/me', undefined, signedBy(session('eve')));
    expect(other).toMatchObject(refused(403, 'unknown_person'));
    expect(other.body.error.details).toEqual({ arn: session('eve') });
  });

  it('keep whoever attests in a session of the role', async () => {
    const api = controlApi({ people: fakePeopleStore() });
    const me = signedBy(session('bob'));
    await api.call('POST', '/v1/people/bootstrap', { personId: 'bob', name: 'Bob' }, me);
    expect((await api.call('POST', '/v1/attested-roles', { roleArn: ROLE }, me)).status).toBe(200);
    const after = await api.call<PersonView>('GET', '/v1/me', undefined, me);
    expect(after).toMatchObject({ status: 200, body: { personId: 'bob', identities: [session('bob')] } });
    const eve = await api.call('GET', '/v1/me', undefined, signedBy(session('eve')));
    expect(eve).toMatchObject(refused(403, 'unknown_person'));
  });
});

describe('tenants', () => {
  const request = { tenant: 'shop', personId: 'bob', name: 'Bob', arn: BOB };

  it('are made with an administrator, who sees that tenant only', async () => {
    const api = controlApi();
    const made = await api.call<PersonView>('POST', '/v1/tenants', request);
    expect(made).toMatchObject({ status: 201, body: { tenant: 'shop', personId: 'bob', roles: ['administrator'] } });
    api.executions.seed({
      executions: [
        anExecution({ executionId: 'report:ours' }),
        anExecution({ executionId: 'report:theirs', tenant: 'shop' }),
      ],
    });
    const as = signedBy(BOB);
    const list = await api.call<{ executions: ExecutionView[] }>('GET', '/v1/executions', undefined, as);
    expect(list.body.executions.map(({ executionId }) => executionId)).toEqual(['report:theirs']);
    expect(await api.call('GET', '/v1/executions/report:ours', undefined, as)).toMatchObject(
      refused(404, 'unknown_execution'),
    );
    const people = await api.call<PeopleAnswer>('GET', '/v1/people', undefined, as);
    expect(people.body.people.map(({ personId }) => personId)).toEqual(['bob']);
    expect(await api.call('POST', '/v1/tenants', request, as)).toMatchObject(refused(403, 'forbidden'));
    expect(await api.call('POST', '/v1/attested-roles', { roleArn: ROLE }, as)).toMatchObject(
      refused(403, 'forbidden'),
    );
  });

  it('are made once', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/tenants', request);
    const other = 'arn:aws:iam::123456789012:user/eve';
    expect(await api.call('POST', '/v1/tenants', { ...request, arn: other })).toMatchObject(
      refused(409, 'person_exists'),
    );
    expect(await api.call('POST', '/v1/tenants', { ...request, tenant: 'b', arn: ADA })).toMatchObject(
      refused(409, 'person_exists'),
    );
  });
});

describe('the chain of a tenant', () => {
  it('is paged, with the count that it must come to', async () => {
    const api = controlApi();
    for (const personId of ['bob', 'cem', 'dee']) await api.call('POST', '/v1/people', { ...bob, personId });
    const [first, ...rest] = api.people.events('default');
    if (first === undefined) throw new Error('no event was written');
    for (const [index, event] of [first, ...rest.slice(0, 1)].entries()) {
      await api.audit.append({
        schema: 1,
        executionId: event.executionId,
        outboxId: `0${index}`,
        createdAt: event.timestamp,
        events: [event],
      });
    }
    const page = await api.call<TenantEventsAnswer>('GET', '/v1/audit?limit=1');
    expect(page.body).toMatchObject({ cursor: '1', eventCount: 3, records: [{ seq: 1, event: first }] });
    const last = await api.call<TenantEventsAnswer>('GET', '/v1/audit?after=1');
    expect(last.body.records.map(({ seq }) => seq)).toEqual([2]);
    expect(last.body).not.toHaveProperty('cursor');
  });

  it('is that of the caller', async () => {
    const api = controlApi();
    api.people.seed({
      people: [aPerson({ personId: 'eve', tenant: 'other', roles: ['auditor'] })],
      groups: [aGroup('data-owners', ['eve'], 'other')],
    });
    await api.call('POST', '/v1/people', bob);
    const eve = signedBy('arn:aws:iam::123456789012:user/eve');
    const answer = await api.call<TenantEventsAnswer>('GET', '/v1/audit', undefined, eve);
    expect(answer).toEqual({ status: 200, body: { records: [], eventCount: 0 } });
  });
});
