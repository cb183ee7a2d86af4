import type { GroupsAnswer, GroupView, PeopleAnswer, PersonView, TenantEventsAnswer } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import type { Actor } from '../../lib/execution/records.ts';
import { callerOf, identityToLink } from '../../lib/people/identity.ts';
import type { PeopleStore } from '../../lib/people/people-store.ts';
import type { GroupRecord, PersonRecord } from '../../lib/people/records.ts';
import { groupsOf } from '../../lib/people/rules.ts';
import { tenantChain } from '../../lib/people/tenant-chain.ts';
import type { Serve } from './control-api.ts';
import type { ControlApiPorts } from './ports.ts';
import {
  AttestBody,
  BootstrapBody,
  ChangePersonBody,
  checked,
  EventsParameters,
  GroupBody,
  IdentityBody,
  PersonBody,
  parsedBody,
  TenantBody,
} from './requests.ts';

export function servePeople(serve: Serve, { people, audit }: Pick<ControlApiPorts, 'people' | 'audit'>): void {
  const viewOf = async (person: PersonRecord): Promise<PersonView> =>
    personView(person, await people.listGroups(person.tenant));

  serve('GET /v1/me', async (c) => c.json(await viewOf(c.get('principal').person)));

  serve('POST /v1/people/bootstrap', async (c) => {
    const request = checked(BootstrapBody, 'body', parsedBody(await c.req.text()));
    const { arn, identity } = c.get('caller');
    const by: Actor = { type: 'principal', id: arn, via: 'api' };
    return c.json(await viewOf(await people.bootstrap({ ...request, identity }, by)), 201);
  });

  serve('GET /v1/people', async (c) => {
    const { tenant } = c.get('principal');
    const [all, groups] = await Promise.all([people.listPeople(tenant), people.listGroups(tenant)]);
    const answer: PeopleAnswer = { people: all.map((person) => personView(person, groups)) };
    return c.json(answer);
  });

  serve('POST /v1/people', async (c) => {
    const request = checked(PersonBody, 'body', parsedBody(await c.req.text()));
    const { tenant, actor } = c.get('principal');
    return c.json(await viewOf(await people.add(tenant, request, actor)), 201);
  });

  serve('PUT /v1/people/:id', async (c) => {
    const request = checked(ChangePersonBody, 'body', parsedBody(await c.req.text()));
    const { tenant, actor } = c.get('principal');
    return c.json(await viewOf(await people.change(tenant, { ...request, personId: c.req.param('id') }, actor)));
  });

  serve('DELETE /v1/people/:id', async (c) => {
    const { tenant, actor } = c.get('principal');
    return c.json(await viewOf(await people.remove(tenant, c.req.param('id'), actor)));
  });

  serve('POST /v1/people/:id/identities', async (c) => {
    const { arn } = checked(IdentityBody, 'body', parsedBody(await c.req.text()));
    const { tenant, actor } = c.get('principal');
    const identity = await identityOfRequest(people, arn);
    return c.json(await viewOf(await people.link(tenant, c.req.param('id'), identity, actor)));
  });

  serve('DELETE /v1/people/:id/identities', async (c) => {
    const { arn } = checked(IdentityBody, 'body', parsedBody(await c.req.text()));
    const { tenant, actor } = c.get('principal');
    // Whatever is linked can be unlinked, also what could not be linked today.
    const caller = callerOf(arn);
    const identity = caller?.kind === 'role' ? caller.roleArn : arn;
    return c.json(await viewOf(await people.unlink(tenant, c.req.param('id'), identity, actor)));
  });

  serve('GET /v1/groups', async (c) => {
    const groups = await people.listGroups(c.get('principal').tenant);
    const answer: GroupsAnswer = { groups: groups.map(groupView) };
    return c.json(answer);
  });

  serve('PUT /v1/groups/:group', async (c) => {
    const { members } = checked(GroupBody, 'body', parsedBody(await c.req.text()));
    const { tenant, actor } = c.get('principal');
    return c.json(groupView(await people.setGroup(tenant, c.req.param('group'), members, actor)));
  });

  serve('POST /v1/attested-roles', async (c) => {
    const request = checked(AttestBody, 'body', parsedBody(await c.req.text()));
    const role = callerOf(request.roleArn);
    if (role?.kind !== 'role') {
      throw new WfloError('invalid_request', `"${request.roleArn}" is not the ARN of a role`, {
        fix: 'use the ARN of a role, such as arn:aws:iam::123456789012:role/engineers',
      });
    }
    const { roleArn } = role;
    const { caller } = c.get('caller');
    const { tenant, actor, person } = c.get('principal');
    const isOwn = caller.kind === 'session' && caller.roleArn === roleArn;
    const own = isOwn ? { personId: person.personId, session: caller.arn } : undefined;
    await people.attest(tenant, roleArn, own, actor);
    return c.json({ roleArn });
  });

  serve('POST /v1/tenants', async (c) => {
    const { tenant, personId, name, arn } = checked(TenantBody, 'body', parsedBody(await c.req.text()));
    const first = { personId, name, identity: await identityOfRequest(people, arn) };
    return c.json(await viewOf(await people.createTenant(tenant, first, c.get('principal').actor)), 201);
  });

  serve('GET /v1/audit', async (c) => {
    const { after, limit } = checked(EventsParameters, 'query', c.req.query());
    const { tenant } = c.get('principal');
    const page = await audit.list(tenantChain(tenant).executionId, after, limit);
    const last = page.items.at(-1);
    const answer: TenantEventsAnswer = {
      records: page.items,
      ...(page.cursor === undefined || last === undefined ? {} : { cursor: String(last.seq) }),
      // Read last, so that it is never less than what the chain shows.
      eventCount: await people.tenantEventCount(tenant),
    };
    return c.json(answer);
  });
}

async function identityOfRequest(people: PeopleStore, arn: string): Promise<string> {
  const caller = callerOf(arn);
  const attested = caller !== undefined && caller.kind !== 'user' && (await people.isAttested(caller.roleArn));
  return identityToLink(arn, attested);
}

function personView(person: PersonRecord, groups: readonly GroupRecord[]): PersonView {
  const { tenant, personId, name, roles, identities, active } = person;
  const own = groupsOf(groups, personId).map(({ group }) => group);
  return { tenant, personId, name, roles, groups: own, identities, active };
}

function groupView({ group, members }: GroupRecord): GroupView {
  return { group, members };
}
