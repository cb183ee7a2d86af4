import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WfloEvent } from '../../../lib/audit/events.ts';
import type { Actor } from '../../../lib/execution/records.ts';
import type { PeopleStore } from '../../../lib/people/people-store.ts';

export interface PeopleStoreUnderTest {
  /** Of a deployment that was never bootstrapped. */
  readonly store: PeopleStore;
  /** Events that were written into the outbox, in order. */
  events(tenant: string): Promise<readonly WfloEvent[]>;
  close?(): Promise<void>;
}

const ROOT: Actor = { type: 'person', id: 'root-admin', via: 'api' };
const rejected = (code: string) => expect.objectContaining({ code });

export function describePeopleStoreContract(
  name: string,
  makeStore: () => PeopleStoreUnderTest | Promise<PeopleStoreUnderTest>,
): void {
  describe(`people store: ${name}`, () => {
    let under: PeopleStoreUnderTest;
    let store: PeopleStore;
    let tenant: string;
    /** First administrator of `tenant`. */
    const by: Actor = { type: 'person', id: 'ada', via: 'api' };
    const user = (who: string) => `arn:aws:iam::123456789012:user/${tenant}/${who}`;
    const roleArn = () => `arn:aws:iam::123456789012:role/${tenant}`;
    const session = (who: string) => `arn:aws:sts::123456789012:assumed-role/${tenant}/${who}`;

    beforeAll(async () => {
      under = await makeStore();
      store = under.store;
    });
    afterAll(() => under.close?.());

    beforeEach(async () => {
      tenant = `t${randomBytes(6).toString('hex')}`;
      await store.createTenant(tenant, { personId: 'ada', name: 'Ada', identity: user('ada') }, ROOT);
    });

    const typesOf = async (of = tenant) => (await under.events(of)).map((event) => event.eventType);

    it('is bootstrapped once, whoever comes first', async () => {
      const first = { personId: 'root-admin', name: 'Root', identity: 'arn:aws:iam::123456789012:user/root-admin' };
      const principal: Actor = { type: 'principal', id: first.identity, via: 'api' };
      const tries = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((end) =>
          store.bootstrap({ ...first, personId: `root-${end}`, identity: `${first.identity}-${end}` }, principal),
        ),
      );
      expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toEqual(rejected('already_bootstrapped'));
      const people = await store.listPeople('default');
      expect(people).toMatchObject([{ roles: ['administrator'], active: true, version: 1, tenant: 'default' }]);
      const bootstrapped = (await under.events('default')).filter((e) => e.eventType === 'people.bootstrapped');
      expect(bootstrapped).toMatchObject([{ actor: principal, data: { personId: people[0]?.personId } }]);
      await expect(store.bootstrap(first, principal)).rejects.toEqual(rejected('already_bootstrapped'));
    });

    it('makes a tenant with its first administrator once', async () => {
      expect(await store.findByIdentity(user('ada'))).toMatchObject({
        tenant,
        personId: 'ada',
        roles: ['administrator'],
      });
      const again = { personId: 'bob', name: 'Bob', identity: user('bob') };
      await expect(store.createTenant(tenant, again, ROOT)).rejects.toEqual(rejected('person_exists'));
      const other = `${tenant}-b`;
      await expect(
        store.createTenant(other, { personId: 'ada', name: 'Ada', identity: user('ada') }, ROOT),
      ).rejects.toEqual(rejected('person_exists'));
      expect(await store.listPeople(other)).toEqual([]);
      expect(await typesOf()).toEqual(['tenant.created', 'people.added', 'people.linked']);
      const created = (await under.events('default')).filter((event) => event.data.tenant === tenant);
      expect(created).toMatchObject([{ eventType: 'tenant.created', actor: ROOT, data: { personId: 'ada' } }]);
    });

    it('writes each change with its event, and counts the events of the chain', async () => {
      const bob = await store.add(tenant, { personId: 'bob', name: 'Bob', roles: ['operator', 'viewer'] }, by);
      expect(bob).toMatchObject({ tenant, roles: ['viewer', 'operator'], identities: [], active: true, version: 1 });
      await store.change(tenant, { personId: 'bob', name: 'Robert', roles: ['auditor'] }, by);
      await store.link(tenant, 'bob', user('bob'), by);
      await store.setGroup(tenant, 'data-owners', ['bob', 'ada', 'bob'], by);
      await store.unlink(tenant, 'bob', user('bob'), by);
      await store.link(tenant, 'bob', user('robert'), by);
      await store.attest(tenant, roleArn(), undefined, by);
      await store.remove(tenant, 'bob', by);

      const events = (await under.events(tenant)).slice(3);
      expect(events.map((event) => [event.eventType, event.data])).toEqual([
        ['people.added', { personId: 'bob', name: 'Bob', roles: ['viewer', 'operator'] }],
        ['people.changed', { personId: 'bob', name: 'Robert', roles: ['auditor'] }],
        ['people.linked', { personId: 'bob', identity: user('bob') }],
        ['people.group_changed', { group: 'data-owners', members: ['ada', 'bob'] }],
        ['people.unlinked', { personId: 'bob', identity: user('bob') }],
        ['people.linked', { personId: 'bob', identity: user('robert') }],
        ['people.role_attested', { roleArn: roleArn() }],
        ['people.removed', { personId: 'bob' }],
      ]);
      for (const event of events) {
        expect(event).toMatchObject({ actor: by, executionId: `tenant:${tenant}`, workflow: 'tenant' });
      }
      expect(await store.tenantEventCount(tenant)).toBe(11);
    });

    it('writes nothing where all is so already', async () => {
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: [] }, by);
      await store.link(tenant, 'bob', user('bob'), by);
      await store.setGroup(tenant, 'data-owners', ['bob'], by);
      await store.attest(tenant, roleArn(), undefined, by);
      const count = await store.tenantEventCount(tenant);
      await store.change(tenant, { personId: 'bob', name: 'Bob', roles: [] }, by);
      await store.link(tenant, 'bob', user('bob'), by);
      await store.unlink(tenant, 'bob', user('nobody'), by);
      await store.setGroup(tenant, 'data-owners', ['bob', 'bob'], by);
      await store.attest(tenant, roleArn(), undefined, by);
      expect(await store.tenantEventCount(tenant)).toBe(count);
    });

    it('finds people by identity, each in its own tenant', async () => {
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: [] }, by);
      expect(await store.findByIdentity(user('bob'))).toBeUndefined();
      await store.link(tenant, 'bob', user('bob'), by);
      expect(await store.findByIdentity(user('bob'))).toMatchObject({ personId: 'bob', version: 2 });
      expect(await store.getPerson(tenant, 'bob')).toMatchObject({ identities: [user('bob')] });
      expect(await store.getPerson(`${tenant}-b`, 'bob')).toBeUndefined();
      await store.unlink(tenant, 'bob', user('bob'), by);
      expect(await store.findByIdentity(user('bob'))).toBeUndefined();
    });

    it('links an identity to one person of the deployment', async () => {
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: [] }, by);
      await expect(store.link(tenant, 'bob', user('ada'), by)).rejects.toEqual(rejected('person_exists'));
      const other = `${tenant}-b`;
      await store.createTenant(other, { personId: 'eve', name: 'Eve', identity: user('eve') }, ROOT);
      const fromOther = store.link(other, 'eve', user('ada'), { ...by, id: 'eve' });
      await expect(fromOther).rejects.toEqual(rejected('person_exists'));
      // Which person that is, other tenants do not learn.
      await expect(fromOther).rejects.not.toThrow(/linked to ada/);
      const tries = await Promise.allSettled([
        store.link(tenant, 'bob', user('both'), by),
        store.link(other, 'eve', user('both'), { ...by, id: 'eve' }),
      ]);
      expect(tries.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    });

    it('removes a person with identities and groups, and keeps the record and the id', async () => {
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: ['operator'] }, by);
      for (const end of ['1', '2', '3']) await store.link(tenant, 'bob', user(`bob-${end}`), by);
      for (const group of ['data-owners', 'security']) await store.setGroup(tenant, group, ['ada', 'bob'], by);
      expect(await store.remove(tenant, 'bob', by)).toMatchObject({ active: false, identities: [] });
      expect(await store.findByIdentity(user('bob-2'))).toBeUndefined();
      expect(await store.getPerson(tenant, 'bob')).toMatchObject({ active: false, name: 'Bob' });
      expect((await store.listGroups(tenant)).map((group) => [group.group, group.members])).toEqual([
        ['data-owners', ['ada']],
        ['security', ['ada']],
      ]);
      const count = await store.tenantEventCount(tenant);
      await store.remove(tenant, 'bob', by);
      expect(await store.tenantEventCount(tenant)).toBe(count);
      const anew = { personId: 'bob', name: 'Another Bob', roles: [] };
      await expect(store.add(tenant, anew, by)).rejects.toEqual(rejected('person_exists'));
      await expect(store.change(tenant, anew, by)).rejects.toEqual(rejected('unknown_person'));
      await expect(store.link(tenant, 'bob', user('bob-1'), by)).rejects.toEqual(rejected('unknown_person'));
      await expect(store.setGroup(tenant, 'security', ['bob'], by)).rejects.toEqual(rejected('unknown_person'));
      // The identities are free for somebody else.
      await store.add(tenant, { personId: 'robert', name: 'Robert', roles: [] }, by);
      await store.link(tenant, 'robert', user('bob-1'), by);
    });

    it('keeps an administrator in every tenant', async () => {
      const ada = { personId: 'ada', name: 'Ada', roles: [] };
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: ['administrator'] }, by);
      // Nobody can call as Bob yet.
      await expect(store.remove(tenant, 'ada', by)).rejects.toEqual(rejected('last_administrator'));
      await expect(store.change(tenant, ada, by)).rejects.toEqual(rejected('last_administrator'));
      await expect(store.unlink(tenant, 'ada', user('ada'), by)).rejects.toEqual(rejected('last_administrator'));
      await store.link(tenant, 'bob', user('bob'), by);
      const tries = await Promise.allSettled([store.change(tenant, ada, by), store.remove(tenant, 'bob', by)]);
      expect(tries.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
      const left = (await store.listPeople(tenant)).filter((one) => one.active && one.roles.includes('administrator'));
      expect(left).toHaveLength(1);
    });

    it('lets changes at the same time all come through', async () => {
      await Promise.all(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((end) =>
          store.add(tenant, { personId: `bob-${end}`, name: 'Bob', roles: [] }, by),
        ),
      );
      expect((await store.listPeople(tenant)).map((one) => one.personId)).toEqual([
        'ada',
        'bob-a',
        'bob-b',
        'bob-c',
        'bob-d',
        'bob-e',
        'bob-f',
      ]);
      expect(await store.tenantEventCount(tenant)).toBe(9);
      expect(await typesOf()).toHaveLength(9);
    });

    it('puts only active people of the tenant into groups', async () => {
      await expect(store.setGroup(tenant, 'data-owners', ['ada', 'eve'], by)).rejects.toEqual(
        rejected('unknown_person'),
      );
      expect(await store.getGroup(tenant, 'data-owners')).toBeUndefined();
      await store.setGroup(tenant, 'data-owners', [], by);
      expect(await store.getGroup(tenant, 'data-owners')).toMatchObject({ members: [], version: 1 });
    });

    it.each(['Ada', 'ada_b', '-ada', 'ada-', 'a--b', '9lives', '', 'a'.repeat(65), 'ädä'])(
      'has no id %j',
      async (text) => {
        const refused = rejected('invalid_request');
        await expect(store.add(tenant, { personId: text, name: 'X', roles: [] }, by)).rejects.toEqual(refused);
        await expect(store.setGroup(tenant, text, [], by)).rejects.toEqual(refused);
        await expect(
          (async () => store.createTenant(text, { personId: 'a', name: 'A', identity: user('x') }, ROOT))(),
        ).rejects.toEqual(refused);
      },
    );

    it.each(['', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(201)])('has no name %j', async (text) => {
      const refused = store.add(tenant, { personId: 'bob', name: text, roles: [] }, by);
      await expect(refused).rejects.toEqual(rejected('invalid_request'));
    });

    describe('attested roles', () => {
      it('are known from then on', async () => {
        expect(await store.isAttested(roleArn())).toBe(false);
        await store.attest(tenant, roleArn(), undefined, by);
        expect(await store.isAttested(roleArn())).toBe(true);
        expect(await store.isAttested(`${roleArn()}x`)).toBe(false);
      });

      it('are not those that a person is linked to as a whole', async () => {
        await store.link(tenant, 'ada', roleArn(), by);
        await expect(store.attest(tenant, roleArn(), undefined, by)).rejects.toEqual(rejected('person_exists'));
        const bob = { personId: 'bob', session: session('bob') };
        await expect(store.attest(tenant, roleArn(), bob, by)).rejects.toEqual(rejected('person_exists'));
        expect(await store.isAttested(roleArn())).toBe(false);
      });

      it('do not lock out whoever attests in a session of the role', async () => {
        await store.link(tenant, 'ada', roleArn(), by);
        await store.unlink(tenant, 'ada', user('ada'), by);
        await store.attest(tenant, roleArn(), { personId: 'ada', session: session('ada') }, by);
        expect(await store.findByIdentity(roleArn())).toBeUndefined();
        expect(await store.findByIdentity(session('ada'))).toMatchObject({ personId: 'ada' });
        expect((await typesOf()).slice(-3)).toEqual(['people.role_attested', 'people.unlinked', 'people.linked']);
      });
    });

    it('takes a person with as much as a person can have out in one go', async () => {
      await store.add(tenant, { personId: 'bob', name: 'Bob', roles: [] }, by);
      for (let n = 0; n < 20; n += 1) await store.link(tenant, 'bob', user(`bob-${n}`), by);
      await expect(store.link(tenant, 'bob', user('bob-20'), by)).rejects.toEqual(rejected('invalid_request'));
      for (let n = 0; n < 50; n += 1) await store.setGroup(tenant, `group-${n}`, ['bob'], by);
      await expect(store.setGroup(tenant, 'one-more', ['bob'], by)).rejects.toEqual(rejected('invalid_request'));
      await store.remove(tenant, 'bob', by);
      expect((await store.listGroups(tenant)).flatMap((group) => group.members)).toEqual([]);
    });
  });
}
