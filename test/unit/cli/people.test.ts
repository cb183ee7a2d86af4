import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from './cli-harness.ts';
import { aPerson, type FakeDeployment, failure, fakeDeployment } from './fake-deployment.ts';

const ARN = 'arn:aws:iam::123456789012:user/ada';
let on: FakeDeployment;
beforeEach(async () => {
  on = await fakeDeployment();
});
afterEach(() => on.server.close());

const wflo = (...args: readonly string[]) => cli(args, { connect: on.connect });

describe('whoami', () => {
  it('shows the person, with identities in full', async () => {
    on.routes['GET /me'] = () => aPerson({ identities: [ARN, `${ARN}-2`] });
    const { code, stdout } = await wflo('whoami', '--local', '--as', 'ada');
    expect(code).toBe(0);
    expect(on.targets).toEqual([{ kind: 'local', as: 'ada' }]);
    expect(stdout.split('\n')).toEqual([
      'ada  Ada Lovelace',
      '  tenant      default',
      '  roles       operator, administrator',
      '  groups      ops',
      `  identities  ${ARN}`,
      `              ${ARN}-2`,
      '',
    ]);
    expect(JSON.parse((await wflo('whoami', '--json')).stdout)).toMatchObject({
      personId: 'ada',
      roles: ['operator', 'administrator'],
    });
  });

  it('of nobody exits 1', async () => {
    on.routes['GET /me'] = () => failure('unknown_person', `${ARN} is linked to no person`);
    const { code, stderr } = await wflo('whoami');
    expect(code).toBe(1);
    expect(stderr).toContain(`error unknown_person: ${ARN} is linked to no person`);
  });
});

describe('people', () => {
  it('list shows who is who, and who was removed', async () => {
    const people = [
      aPerson(),
      aPerson({ personId: 'bob', name: 'Bob\u001b[2J', roles: [], groups: [], identities: [], active: false }),
    ];
    on.routes['GET /people'] = () => ({ people });
    expect((await wflo('people', 'list')).stdout.split('\n')).toEqual([
      'PERSON  NAME          ROLES                    GROUPS  IDENTITIES',
      'ada     Ada Lovelace  operator, administrator  ops     user/ada',
      'bob     Bob\\u001b[2J  removed',
      '',
    ]);
    expect(JSON.parse((await wflo('people', 'list', '--json')).stdout)).toEqual(people);
  });

  it('bootstrap and add send what was given', async () => {
    on.routes['POST /people/bootstrap'] = () => aPerson();
    on.routes['POST /people'] = () => aPerson({ personId: 'bob' });
    expect((await wflo('people', 'bootstrap', 'ada', '--name', 'Ada Lovelace')).code).toBe(0);
    expect(on.bodyOf('POST /people/bootstrap')).toEqual({ personId: 'ada', name: 'Ada Lovelace' });
    const added = await wflo('people', 'add', 'bob', '--name', 'Bob', '--role', 'operator', '--role', 'auditor');
    expect(added.stdout).toMatch(/^bob {2}Ada Lovelace\n/);
    expect(on.bodyOf('POST /people')).toEqual({ personId: 'bob', name: 'Bob', roles: ['operator', 'auditor'] });
  });

  it('change keeps what is not named', async () => {
    on.routes['GET /people'] = () => ({ people: [aPerson()] });
    on.routes['PUT /people/ada'] = ({ body }) => aPerson(JSON.parse(body));
    const bodies = async (...args: readonly string[]) => {
      expect((await wflo('people', 'change', 'ada', ...args)).code).toBe(0);
      return JSON.parse(on.server.seen.at(-1)?.body ?? '');
    };
    expect(await bodies('--name', 'Ada King')).toEqual({ name: 'Ada King', roles: ['operator', 'administrator'] });
    expect(await bodies('--role', 'viewer')).toEqual({ name: 'Ada Lovelace', roles: ['viewer'] });
    expect(await bodies('--no-roles')).toEqual({ name: 'Ada Lovelace', roles: [] });
    const { code, stderr } = await wflo('people', 'change', 'aad', '--no-roles');
    expect(code).toBe(1);
    expect(stderr).toContain('error unknown_person: there is no person "aad" in your tenant. Did you mean "ada"?');
  });

  it('remove, link and unlink answer the person as it is then', async () => {
    on.routes['DELETE /people/ada'] = () => aPerson({ active: false, identities: [] });
    on.routes['POST /people/ada/identities'] = () => aPerson();
    on.routes['DELETE /people/ada/identities'] = () => aPerson({ identities: [] });
    expect((await wflo('people', 'remove', 'ada')).stdout).toMatch(/^ada {2}Ada Lovelace {2}removed\n/);
    expect((await wflo('people', 'link', 'ada', ARN)).stdout).toContain(`identities  ${ARN}\n`);
    expect((await wflo('people', 'unlink', 'ada', ARN)).stdout).toContain('identities  none\n');
    expect(on.bodyOf('DELETE /people/ada/identities')).toEqual({ arn: ARN });
  });

  it('groups lists them, group sets the members of one', async () => {
    const groups = [
      { group: 'ops', members: ['ada', 'bob'] },
      { group: 'none', members: [] },
    ];
    on.routes['GET /groups'] = () => ({ groups });
    on.routes['PUT /groups/ops'] = ({ body }) => ({ group: 'ops', ...JSON.parse(body) });
    expect((await wflo('people', 'groups')).stdout).toBe('GROUP  MEMBERS\nops    ada, bob\nnone   nobody\n');
    expect(JSON.parse((await wflo('people', 'groups', '--json')).stdout)).toEqual(groups);
    expect((await wflo('people', 'group', 'ops', 'ada', 'bob', '--local')).stdout).toBe('ops: ada, bob\n');
    expect(on.bodyOf('PUT /groups/ops')).toEqual({ members: ['ada', 'bob'] });
    expect((await wflo('people', 'group', 'ops', '--empty')).stdout).toBe('ops: nobody\n');
  });

  it('attest says what holds from now on', async () => {
    on.routes['POST /attested-roles'] = () => ({});
    const role = 'arn:aws:iam::123456789012:role/deployers';
    expect((await wflo('people', 'attest', role)).stdout).toBe(`each session name of ${role} is one person\n`);
    expect(JSON.parse((await wflo('people', 'attest', role, '--json')).stdout)).toEqual({ roleArn: role });
  });

  it('events shows the chain of the tenant', async () => {
    const record = {
      seq: 1,
      prevHash: '0'.repeat(64),
      hash: 'a'.repeat(64),
      event: {
        eventType: 'people.linked',
        timestamp: '2026-01-01T00:00:00.000Z',
        actor: { type: 'person', id: 'ada', via: 'api' },
        data: { personId: 'bob', identity: ARN },
      },
    };
    on.routes['GET /audit'] = () => ({ records: [record], eventCount: 2 });
    const { stdout, stderr } = await wflo('people', 'events');
    expect(stdout).toContain(`people.linked        ada    ${ARN} is bob\n`);
    expect(stderr).toBe('1 more are written and not yet in the chain\n');
    expect(JSON.parse((await wflo('people', 'events', '--json')).stdout)).toEqual([record]);
  });
});

describe('tenants add', () => {
  it('sends the tenant and its first administrator', async () => {
    on.routes['POST /tenants'] = () => aPerson({ tenant: 'acme', personId: 'cleo' });
    const { stdout } = await wflo('tenants', 'add', 'acme', '--admin', 'cleo', '--name', 'Cleo', '--arn', ARN);
    expect(stdout).toMatch(/^cleo .*\n {2}tenant {6}acme\n/);
    expect(on.bodyOf('POST /tenants')).toEqual({ tenant: 'acme', personId: 'cleo', name: 'Cleo', arn: ARN });
  });
});

describe('freeze', () => {
  const frozen = {
    version: 3,
    all: false,
    workflows: ['report'],
    tenants: ['acme'],
    reason: 'leak',
    by: { type: 'person', id: 'ada', via: 'api' },
    at: '2026-01-01T00:00:00.000Z',
  };

  it('without a scope shows what is stopped', async () => {
    on.routes['GET /freeze'] = () => frozen;
    expect((await wflo('freeze')).stdout).toBe(
      'frozen: workflow report, tenant acme\n  leak\n  last changed by ada at 2026-01-01 00:00:00Z\n',
    );
    expect(JSON.parse((await wflo('freeze', '--json')).stdout)).toEqual(frozen);
    on.routes['GET /freeze'] = () => ({ version: 0, all: false, workflows: [], tenants: [], reason: '' });
    expect((await wflo('freeze')).stdout).toBe('nothing is frozen\n');
  });

  it('stops and releases one scope', async () => {
    on.routes['POST /freeze'] = () => ({ ...frozen, all: true });
    on.routes['POST /unfreeze'] = () => frozen;
    const stopped = await wflo('freeze', '--all', '--reason', 'leak');
    expect(stopped.stdout).toMatch(/^frozen: everything, workflow report, tenant acme\n/);
    expect(on.bodyOf('POST /freeze')).toEqual({ all: true, reason: 'leak' });
    expect((await wflo('unfreeze', '--tenant', 'acme')).code).toBe(0);
    expect(on.bodyOf('POST /unfreeze')).toEqual({ tenant: 'acme' });
  });
});
