import { beforeEach, describe, expect, it } from 'vitest';
import type { FreezeRequest, FreezeView } from '../../../../lib/client/api.ts';
import { frozenReason } from '../../../../lib/execution/freeze.ts';
import type { Freeze } from '../../../../lib/execution/records.ts';
import { aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi, REPORT, signedBy } from './api-harness.ts';

const NOW = '2026-11-24T12:00:00.000Z';
const as = (personId: string) => signedBy(`arn:aws:iam::123456789012:user/${personId}`);
const by = (id: string) => ({ type: 'person', id, via: 'api' });
const refused = (status: number, code: string) => ({ status, body: { error: { code } } });

/** Ada runs the deployment, Olga is its operator; Mia and Nils administer the tenants `acme` and `bolt`. */
const people = () =>
  fakePeopleStore().seed({
    people: [
      aPerson({ personId: 'ada', roles: ['administrator'] }),
      aPerson({ personId: 'olga', roles: ['operator'] }),
      aPerson({ personId: 'mia', tenant: 'acme', roles: ['administrator'] }),
      aPerson({ personId: 'nils', tenant: 'bolt', roles: ['administrator'] }),
    ],
  });

let api: ReturnType<typeof controlApi>;
beforeEach(() => {
  api = controlApi({ people: people() });
});

const freeze = (personId: string, request: FreezeRequest) =>
  api.call<FreezeView>('POST', '/v1/freeze', request, as(personId));
const unfreeze = (personId: string, request: FreezeRequest) =>
  api.call<FreezeView>('POST', '/v1/unfreeze', request, as(personId));
const show = (personId: string) => api.call<FreezeView>('GET', '/v1/freeze', undefined, as(personId));
const ofDefault = { workflow: 'report', tenant: 'default' };
const events = () => api.executions.events();

/** Lets something happen once, just before the next change is written. */
function beforeNextChange(happen: () => Promise<unknown>): void {
  const { executions } = api;
  const setFreeze = executions.setFreeze.bind(executions);
  executions.setFreeze = async (...given) => {
    executions.setFreeze = setFreeze;
    await happen();
    return setFreeze(...given);
  };
}

describe('an emergency stop', () => {
  it('holds nothing at first', async () => {
    expect(await show('olga')).toEqual({
      status: 200,
      body: { version: 0, all: false, workflows: [], tenants: [], reason: '' },
    });
  });

  it.each([
    ['everything', { all: true }, { all: true, workflows: [], tenants: [] }],
    ['a workflow', { workflow: 'report' }, { all: false, workflows: ['report'], tenants: [] }],
    ['a tenant', { tenant: 'acme' }, { all: false, workflows: [], tenants: ['acme'] }],
  ] as const)('stops %s, and says who did, when and why', async (_what, scope, held) => {
    const answer = await freeze('olga', { ...scope, reason: 'leaked' });
    expect(answer).toEqual({ status: 200, body: { version: 1, ...held, reason: 'leaked', by: by('olga'), at: NOW } });
    expect(await show('ada')).toEqual(answer);
  });

  it('is told in the chain of the tenant that set it, in the same commit', async () => {
    await freeze('olga', { workflow: 'report', reason: 'leaked' });
    await freeze('mia', { tenant: 'acme', reason: 'ours' });
    await unfreeze('ada', { workflow: 'report' });
    const scope = { all: false, workflows: ['report'], tenants: [] };
    expect(api.executions.events('tenant:default')).toMatchObject([
      { eventType: 'freeze.set', actor: by('olga'), workflow: 'tenant', data: { scope, reason: 'leaked' } },
      { eventType: 'freeze.lifted', actor: by('ada'), data: { scope } },
    ]);
    expect(api.executions.events('tenant:acme')).toMatchObject([
      { eventType: 'freeze.set', actor: by('mia'), data: { scope: { tenants: ['acme'] }, reason: 'ours' } },
    ]);
    expect(api.executions.chainEvents('tenant:default')).toBe(2);
    expect(api.executions.chainEvents('tenant:acme')).toBe(1);
  });

  it('has reconcile run at once when it is set, and not when it is lifted or shown', async () => {
    await freeze('ada', { all: true, reason: 'leaked' });
    expect(api.reconciled()).toBe(1);
    await unfreeze('ada', { all: true });
    await show('ada');
    expect(api.reconciled()).toBe(1);
  });

  it('adds to what is stopped, and lifting takes away what it names', async () => {
    await freeze('ada', { workflow: 'report', reason: 'one' });
    await freeze('ada', { workflow: 'reindex', reason: 'two' });
    await freeze('ada', { tenant: 'acme', reason: 'three' });
    await freeze('ada', { all: true, reason: 'four' });
    const all = { all: true, workflows: ['reindex', 'report'], tenants: ['acme'] };
    expect((await show('ada')).body).toMatchObject({ version: 4, ...all });
    expect((await unfreeze('ada', { workflow: 'report' })).body).toMatchObject({ ...all, workflows: ['reindex'] });
    expect((await unfreeze('ada', { all: true })).body).toMatchObject({ all: false, workflows: ['reindex'] });
    expect((await unfreeze('ada', { tenant: 'acme' })).body).toMatchObject({ workflows: ['reindex'], tenants: [] });
    expect((await unfreeze('ada', { workflow: 'reindex' })).body).toEqual({
      ...{ version: 8, all: false, workflows: [], tenants: [], reason: '' },
      ...{ by: by('ada'), at: NOW },
    });
  });

  it('of everything is not narrowed by one that names less', async () => {
    await freeze('ada', { all: true, reason: 'leaked' });
    await freeze('ada', { workflow: 'report', reason: 'one' });
    expect((await freeze('ada', { tenant: 'acme', reason: 'two' })).body).toMatchObject({
      ...{ all: true, workflows: ['report'], tenants: ['acme'] },
      reason: 'leaked; one; two',
    });
  });

  it('that is set again stays one, with its new reason', async () => {
    await freeze('ada', { workflow: 'report', reason: 'one' });
    expect((await freeze('olga', { workflow: 'report', reason: 'two' })).body).toMatchObject({
      version: 2,
      workflows: ['report'],
      reason: 'two',
      by: by('olga'),
    });
  });

  it('that was not set can be lifted, which changes nothing that is stopped', async () => {
    await freeze('ada', { workflow: 'report', reason: 'one' });
    const answer = await unfreeze('ada', { workflow: 'reindex' });
    expect(answer).toMatchObject({ status: 200, body: { version: 2, workflows: ['report'], reason: 'one' } });
    expect(await unfreeze('ada', { all: true })).toMatchObject({ status: 200, body: { workflows: ['report'] } });
    expect(await unfreeze('ada', { tenant: 'report' })).toMatchObject({ status: 200, body: { workflows: ['report'] } });
  });

  it('of a workflow that does not exist is refused, as it would stop nothing', async () => {
    const { status, body } = await freeze('ada', { workflow: 'repotr', reason: 'typo' });
    expect([status, body]).toMatchObject([404, { error: { code: 'unknown_workflow' } }]);
    expect((await show('ada')).body).toMatchObject({ version: 0 });
    // One that was removed still has executions to stop.
    api.executions.seed({ executions: [anExecution({ executionId: 'removed:one' })] });
    expect((await freeze('ada', { workflow: 'removed', reason: 'leaked' })).status).toBe(200);
  });

  it('of a tenant is none of the workflow of that name', async () => {
    await freeze('ada', { tenant: 'report', reason: 'one' });
    expect((await unfreeze('ada', { workflow: 'report' })).body).toMatchObject({ workflows: [], tenants: ['report'] });
  });

  it('holds also where reconcile could not be called, which an operator learns: the next minute takes the rights', async () => {
    api = controlApi({ people: people(), reconcileNow: () => Promise.reject(new Error('throttled')) });
    expect(await freeze('ada', { all: true, reason: 'leaked' })).toMatchObject({ status: 200, body: { all: true } });
    expect(api.notReconciled).toEqual([new Error('throttled')]);
    expect(api.unexpected).toEqual([]);
    expect((await show('ada')).body).toMatchObject({ all: true, reason: 'leaked' });
  });
});

describe('why something is stopped', () => {
  const why = async (of: { workflow: string; tenant: string }) => frozenReason(await api.executions.getFreeze(), of);

  it('is said of each by its own reason, whatever was stopped later', async () => {
    await freeze('ada', { workflow: 'report', reason: 'wrong rows' });
    await freeze('ada', { workflow: 'reindex', reason: 'too slow' });
    expect(await why(ofDefault)).toBe('the workflow report is frozen: wrong rows');
    await unfreeze('ada', { workflow: 'reindex' });
    expect(await why(ofDefault)).toBe('the workflow report is frozen: wrong rows');
    expect((await show('ada')).body.reason).toBe('wrong rows');
    expect(await why({ ...ofDefault, workflow: 'reindex' })).toBeUndefined();
  });

  it('is every reason that holds it, once', async () => {
    await freeze('ada', { workflow: 'report', reason: 'wrong rows' });
    await freeze('ada', { tenant: 'default', reason: 'wrong rows' });
    await freeze('ada', { all: true, reason: 'leaked' });
    expect(await why(ofDefault)).toBe(
      'everything is frozen, and the workflow report is frozen, and the tenant default is frozen: leaked; wrong rows',
    );
    expect((await show('ada')).body.reason).toBe('leaked; wrong rows');
  });

  it('is the reason of the last change in a record without any other', () => {
    const old: Freeze = { version: 1, all: false, workflows: ['report'], tenants: [], reason: 'odd' };
    expect(frozenReason(old, ofDefault)).toBe('the workflow report is frozen: odd');
  });

  it('never tells one tenant the reason of another', async () => {
    await freeze('mia', { tenant: 'acme', reason: 'acme was robbed' });
    await freeze('nils', { tenant: 'bolt', reason: 'bolt was robbed' });
    expect(await why({ workflow: 'report', tenant: 'acme' })).toBe('the tenant acme is frozen: acme was robbed');
    expect(await why({ workflow: 'report', tenant: 'bolt' })).toBe('the tenant bolt is frozen: bolt was robbed');
  });
});

describe('people of another tenant', () => {
  it.each([
    ['everything', { all: true as const }],
    ['a workflow', { workflow: 'report' }],
    ['the tenant default', { tenant: 'default' }],
    ['a third tenant', { tenant: 'bolt' }],
  ])('neither stop %s nor lift that', async (_what, scope) => {
    await freeze('ada', { ...scope, reason: 'leaked' });
    const before = await api.executions.getFreeze();
    expect(await freeze('mia', { ...scope, reason: 'mine' })).toMatchObject(refused(403, 'forbidden'));
    expect(await unfreeze('mia', scope)).toMatchObject(refused(403, 'forbidden'));
    expect(await api.executions.getFreeze()).toEqual(before);
    expect(events()).toHaveLength(1);
    expect(api.reconciled()).toBe(1);
  });

  it('stop and release their own', async () => {
    expect(await freeze('mia', { tenant: 'acme', reason: 'ours' })).toEqual({
      status: 200,
      body: { version: 1, all: false, workflows: [], tenants: ['acme'], reason: 'ours' },
    });
    expect(api.reconciled()).toBe(1);
    expect((await unfreeze('mia', { tenant: 'acme' })).body).toMatchObject({ version: 2, tenants: [], reason: '' });
  });

  it('see what holds them, and of others nothing: not that, not why, not by whom', async () => {
    await freeze('mia', { tenant: 'acme', reason: 'acme was robbed' });
    await freeze('ada', { workflow: 'report', reason: 'wrong rows' });
    await freeze('nils', { tenant: 'bolt', reason: 'bolt was robbed' });
    const seen = await show('mia');
    expect(seen.body).toEqual({
      ...{ version: 3, all: false, workflows: ['report'], tenants: ['acme'] },
      reason: 'wrong rows; acme was robbed',
    });
    const answers = [
      seen,
      await freeze('mia', { tenant: 'acme', reason: 'still' }),
      await unfreeze('mia', { tenant: 'acme' }),
    ];
    for (const word of ['bolt', 'nils', 'ada']) expect(JSON.stringify(answers)).not.toContain(word);
    expect((await show('ada')).body).toMatchObject({ tenants: ['bolt'], by: by('mia') });
  });
});

describe('a request that is refused changes nothing', () => {
  it.each<[string, 'freeze' | 'unfreeze', unknown]>([
    ['nothing is named', 'freeze', { reason: 'x' }],
    ['all and a workflow are named', 'freeze', { all: true, workflow: 'report', reason: 'x' }],
    ['all and a tenant are named', 'freeze', { all: true, tenant: 'acme', reason: 'x' }],
    ['a workflow and a tenant are named', 'freeze', { workflow: 'report', tenant: 'acme', reason: 'x' }],
    ['everything is named', 'freeze', { all: true, workflow: 'report', tenant: 'acme', reason: 'x' }],
    ['all is false', 'freeze', { all: false, reason: 'x' }],
    ['the workflow has no name', 'freeze', { workflow: '', reason: 'x' }],
    ['no reason is given', 'freeze', { all: true }],
    ['the reason is empty', 'freeze', { all: true, reason: '' }],
    ['the reason is too long', 'freeze', { all: true, reason: 'x'.repeat(501) }],
    ['a field does not exist', 'freeze', { all: true, reason: 'x', until: '2026-12-01' }],
    ['nothing is named to lift', 'unfreeze', {}],
    ['two are named to lift', 'unfreeze', { all: true, workflow: 'report' }],
  ])('where %s', async (_what, verb, body) => {
    await freeze('ada', { workflow: 'report', reason: 'one' });
    const before = await api.executions.getFreeze();
    const answer = await api.call('POST', `/v1/${verb}`, body, as('ada'));
    expect(answer).toMatchObject(refused(400, 'invalid_request'));
    expect(await api.executions.getFreeze()).toEqual(before);
    expect(events()).toHaveLength(1);
    expect(api.reconciled()).toBe(1);
  });

  it('where an operator lifts it', async () => {
    await freeze('olga', { all: true, reason: 'leaked' });
    expect(await unfreeze('olga', { all: true })).toMatchObject(refused(403, 'forbidden'));
    expect((await show('ada')).body.all).toBe(true);
  });
});

describe('changes at the same time', () => {
  it('both hold', async () => {
    beforeNextChange(() => freeze('olga', { workflow: 'reindex', reason: 'two' }));
    expect((await freeze('ada', { workflow: 'report', reason: 'one' })).body).toMatchObject({
      version: 2,
      workflows: ['reindex', 'report'],
      by: by('ada'),
    });
    expect(events().map(({ actor }) => actor.id)).toEqual(['olga', 'ada']);
    expect(frozenReason(await api.executions.getFreeze(), ofDefault)).toBe('the workflow report is frozen: one');
  });

  it('of many all hold, each with a version and an event of its own', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `w-${index}`);
    for (const name of names) api.machines.deploy({ ...REPORT, name });
    const answers = await Promise.all(names.map((workflow) => freeze('ada', { workflow, reason: workflow })));
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    expect((await show('ada')).body).toMatchObject({ version: 10, workflows: names });
    expect(new Set(answers.map(({ body }) => body.version)).size).toBe(10);
    expect(events()).toHaveLength(10);
    expect(api.reconciled()).toBe(10);
  });

  it('do not undo each other: what is stopped while something else is lifted stays stopped', async () => {
    await freeze('ada', { workflow: 'report', reason: 'one' });
    beforeNextChange(() => freeze('olga', { all: true, reason: 'leaked' }));
    expect((await unfreeze('ada', { workflow: 'report' })).body).toMatchObject({
      version: 3,
      all: true,
      workflows: [],
      reason: 'leaked',
    });
  });
});
