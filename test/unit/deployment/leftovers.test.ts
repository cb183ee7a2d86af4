import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Inventory, Leftover, MachineFound, StackResource } from '../../../lib/deployment/inventory.ts';
import {
  type Before,
  CODE_KEPT_MS,
  GRACE_MS,
  inTheWay,
  leftoversOf,
  remainsOf,
  retainedInUse,
} from '../../../lib/deployment/leftovers.ts';
import { type NamedThings, NOTHING, namedIn, union } from '../../../lib/deployment/named-things.ts';
import { aMachine, anInventory, LONG_AGO, machineArn, names } from '../../_helpers/fakes/fake-stage-cloud.ts';

const NOW = new Date('2026-11-26T12:00:00.000Z');
const lately = new Date(NOW.getTime() - GRACE_MS + 1);
const LAMBDA = 'arn:aws:lambda:eu-central-1:123456789012:function';
const version = (name: string, number: number) => `${LAMBDA}:${name}:${number}`;
const revision = (family: string, number: number) =>
  `arn:aws:ecs:eu-central-1:123456789012:task-definition/${family}:${number}`;
const BEFORE: Before = { stacks: { arns: [], resources: [], deployedAt: LONG_AGO }, names: NOTHING };
const managed = (...ids: string[]): StackResource[] =>
  ids.map((id) => ({ stack: 'WfloWorkflows-prod', type: 'any', id }));
const stacks = (...ids: string[]) => ({ arns: [], resources: managed(...ids), deployedAt: LONG_AGO });
const idsOf = (leftovers: readonly Leftover[]) => leftovers.map(({ id }) => id);

describe('what a definition names', () => {
  it('is found in the payload of states and in a configuration that is JSON within JSON', () => {
    const sha = 'ab'.repeat(32);
    const definition = JSON.stringify({
      Run: { TaskDefinition: revision('wflo-prod-python-256-512', 3) },
      Prepare: { step: JSON.stringify({ code: sha, function: version('wflo-prod-step-a-b', 12) }) },
      Open: { FunctionName: `${LAMBDA}:wflo-prod-open-execution` },
    });
    expect(namedIn(definition, 'arn:aws:iam::123456789012:role/wflo/prod/workflows/RoleOne')).toEqual({
      versions: [version('wflo-prod-step-a-b', 12)],
      revisions: [revision('wflo-prod-python-256-512', 3)],
      code: [sha],
      roles: ['RoleOne'],
    });
  });
});

describe('what a deployment has left behind', () => {
  const fn = {
    name: 'wflo-prod-step-report-write',
    at: LONG_AGO,
    role: 'now',
    versions: [1, 2, 3].map((number) => ({
      arn: version('wflo-prod-step-report-write', number),
      at: LONG_AGO,
      role: `role-${number}`,
    })),
  };
  const found = anInventory({
    stacks: stacks(machineArn('report'), fn.name, version(fn.name, 3), 'now'),
    machines: [
      aMachine('report', {
        names: names({ versions: [version(fn.name, 3)], roles: ['machine-2'] }),
        open: [names({ versions: [version(fn.name, 1)], roles: ['machine-1'] })],
      }),
    ],
    functions: [fn],
    roles: ['now', 'role-1', 'role-2', 'role-3', 'machine-0', 'machine-1', 'machine-2'].map((name) => ({
      name,
      at: LONG_AGO,
    })),
  });

  it('goes but for what an open execution goes on with, and the roles of it', () => {
    expect(leftoversOf(found, BEFORE, NOW)).toEqual([
      { kind: 'function_version', id: version(fn.name, 2) },
      { kind: 'role', id: 'role-2' },
      { kind: 'role', id: 'machine-0' },
    ]);
  });

  it('stays when starts could use it until this deployment', () => {
    const before = { ...BEFORE, names: names({ versions: [version(fn.name, 2)], roles: ['machine-0'] }) };
    expect(leftoversOf(found, before, NOW)).toEqual([]);
  });

  it('stays wholly within an hour of the deployment before: starts of that time may not be listed yet', () => {
    const recent = { ...BEFORE, stacks: { ...BEFORE.stacks, deployedAt: lately } };
    expect(leftoversOf(found, recent, NOW)).toEqual([]);
  });

  it('of a removed workflow goes with its functions, logs and roles once nothing of it is open', () => {
    const gone = anInventory({
      machines: [aMachine('report', { names: names({ versions: [version(fn.name, 3)], roles: ['machine-2'] }) })],
      functions: [fn],
      roles: found.roles,
      logGroups: [
        '/wflo/prod/step-report-write',
        '/wflo/prod/open-execution',
        '/wflo/prod/sandbox',
        '/aws/vendedlogs/states/wflo-prod-report',
      ].map((name) => ({ name, at: LONG_AGO })),
    });
    expect(idsOf(leftoversOf(gone, BEFORE, NOW))).toEqual([
      machineArn('report'),
      fn.name,
      '/wflo/prod/step-report-write',
      '/aws/vendedlogs/states/wflo-prod-report',
      ...found.roles.map(({ name }) => name),
    ]);
    const open = { ...gone, machines: gone.machines.map((each) => ({ ...each, open: [each.names] })) };
    expect(idsOf(leftoversOf(open, BEFORE, NOW))).toEqual([
      version(fn.name, 1),
      version(fn.name, 2),
      'role-1',
      'role-2',
      'machine-0',
      'machine-1',
    ]);
  });

  it('of code goes after 30 days', () => {
    const code = (sha256: string, age: number) => ({
      bucket: 'artefacts',
      key: `code/${sha256}.tar.gz`,
      sha256,
      at: new Date(NOW.getTime() - age),
    });
    const old = anInventory({
      machines: [aMachine('report', { names: names({ code: ['aa'] }), open: [names({ code: ['bb'] })] })],
      code: [
        code('aa', CODE_KEPT_MS),
        code('bb', CODE_KEPT_MS),
        code('cc', CODE_KEPT_MS),
        code('dd', CODE_KEPT_MS - 1),
      ],
    });
    expect(idsOf(leftoversOf(old, BEFORE, NOW))).toEqual(['s3://artefacts/code/cc.tar.gz']);
  });
});

/** Small alphabets, so that things meet. */
const FUNCTIONS = ['wflo-prod-step-a-x', 'wflo-prod-step-b-x', 'wflo-prod-setup-b-seed'];
const ROLES = ['r1', 'r2', 'r3', 'r4'];
const time = fc.constantFrom(LONG_AGO, lately, NOW);
const aVersion = fc.tuple(fc.constantFrom(...FUNCTIONS), fc.integer({ min: 1, max: 3 })).map(([f, n]) => version(f, n));
const aRevision = fc.integer({ min: 1, max: 4 }).map((number) => revision('wflo-prod-python-256-512', number));
const aHash = fc.constantFrom('aa', 'bb', 'cc');
const someNames: fc.Arbitrary<NamedThings> = fc.record({
  versions: fc.uniqueArray(aVersion, { maxLength: 3 }),
  revisions: fc.uniqueArray(aRevision, { maxLength: 2 }),
  code: fc.uniqueArray(aHash, { maxLength: 2 }),
  roles: fc.uniqueArray(fc.constantFrom(...ROLES), { minLength: 1, maxLength: 1 }),
});
const machines = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c'))
  .chain((workflows) =>
    fc.tuple(
      ...workflows.map((workflow) =>
        fc
          .record({ at: time, names: someNames, open: fc.array(someNames, { maxLength: 2 }) })
          .map((fields): MachineFound => aMachine(workflow, fields)),
      ),
    ),
  );
const functions = fc.uniqueArray(fc.constantFrom(...FUNCTIONS)).chain((all) =>
  fc.tuple(
    ...all.map((name) =>
      fc.record({
        name: fc.constant(name),
        at: time,
        role: fc.constantFrom(...ROLES),
        versions: fc.uniqueArray(
          fc.record({
            arn: fc.integer({ min: 1, max: 3 }).map((number) => version(name, number)),
            at: time,
            role: fc.constantFrom(...ROLES),
          }),
          { selector: ({ arn }) => arn, maxLength: 3 },
        ),
      }),
    ),
  ),
);
const ids = [
  ...['a', 'b', 'c'].map((workflow) => machineArn(workflow)),
  ...FUNCTIONS,
  ...FUNCTIONS.flatMap((name) => [1, 2, 3].map((number) => version(name, number))),
  ...ROLES,
  ...[1, 2, 3, 4].map((number) => revision('wflo-prod-python-256-512', number)),
];
const someStacks = fc.subarray(ids).map((each) => ({ arns: [], resources: managed(...each), deployedAt: LONG_AGO }));
const inventory: fc.Arbitrary<Inventory> = fc.record({
  stacks: someStacks,
  machines,
  functions,
  roles: fc.constant(ROLES.map((name) => ({ name, at: LONG_AGO }))),
  revisions: fc.uniqueArray(fc.record({ arn: aRevision, at: time, executionRole: fc.constant(null) }), {
    selector: ({ arn }) => arn,
  }),
  logGroups: fc.constant(
    FUNCTIONS.map((name) => ({ name: `/wflo/prod/${name.slice('wflo-prod-'.length)}`, at: LONG_AGO })),
  ),
  code: fc.constant(
    ['aa', 'bb', 'cc'].map((sha256) => ({ bucket: 'artefacts', key: `code/${sha256}`, sha256, at: LONG_AGO })),
  ),
});
const beforehand: fc.Arbitrary<Before> = fc.record({ stacks: someStacks, names: someNames });

describe('whatever an account has', () => {
  /** What is still there after a removal. */
  const left = (found: Inventory, gone: ReadonlySet<string>) => ({
    functions: found.functions.filter(({ name }) => !gone.has(name)),
    versions: found.functions
      .filter(({ name }) => !gone.has(name))
      .flatMap(({ versions }) => versions.filter(({ arn }) => !gone.has(arn))),
  });

  it('an open execution keeps everything that it names, with what that runs as', () => {
    fc.assert(
      fc.property(inventory, beforehand, (found, before) => {
        const gone = new Set(idsOf(leftoversOf(found, before, NOW)));
        const needed = union([
          before.names,
          ...found.machines.flatMap(({ arn, names: current, open }) =>
            open.length > 0 || found.stacks.resources.some(({ id }) => id === arn) ? [current, ...open] : open,
          ),
        ]);
        const there = (all: readonly string[]) => all.filter((id) => gone.has(id));
        expect(there(needed.versions)).toEqual([]);
        expect(there(needed.revisions)).toEqual([]);
        expect(there(needed.roles)).toEqual([]);
        expect(there(needed.code.map((sha256) => `s3://artefacts/code/${sha256}`))).toEqual([]);
        expect(there(found.machines.filter(({ open }) => open.length > 0).map(({ arn }) => arn))).toEqual([]);
        const kept = left(found, gone);
        for (const arn of needed.versions) {
          const owner = found.functions.find(({ versions }) => versions.some((each) => each.arn === arn));
          if (owner !== undefined) expect(gone.has(owner.name)).toBe(false);
        }
        // No function and no version is left without the role that it runs as.
        for (const { role } of [...kept.functions, ...kept.versions]) expect(gone.has(role)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('nothing goes that a stack manages, now or before, or that is new', () => {
    fc.assert(
      fc.property(inventory, beforehand, (found, before) => {
        const gone = new Set(idsOf(leftoversOf(found, before, NOW)));
        const kept = [...found.stacks.resources, ...before.stacks.resources].filter(({ id }) => gone.has(id));
        expect(kept).toEqual([]);
        const young = [
          ...found.machines.map(({ arn: id, at }) => ({ id, at })),
          ...found.functions.map(({ name: id, at }) => ({ id, at })),
          ...found.functions.flatMap(({ versions }) => versions.map(({ arn: id, at }) => ({ id, at }))),
          ...found.revisions.map(({ arn: id, at }) => ({ id, at })),
        ].filter(({ at }) => at !== LONG_AGO);
        expect(young.filter(({ id }) => gone.has(id))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('a second look finds nothing more', () => {
    fc.assert(
      fc.property(inventory, beforehand, (found, before) => {
        const gone = new Set(idsOf(leftoversOf(found, before, NOW)));
        const rest: Inventory = {
          ...found,
          machines: found.machines.filter(({ arn }) => !gone.has(arn)),
          functions: left(found, gone).functions.map((each) => ({
            ...each,
            versions: each.versions.filter(({ arn }) => !gone.has(arn)),
          })),
          roles: found.roles.filter(({ name }) => !gone.has(name)),
          revisions: found.revisions.filter(({ arn }) => !gone.has(arn)),
          logGroups: found.logGroups.filter(({ name }) => !gone.has(name)),
          code: found.code.filter(({ bucket, key }) => !gone.has(`s3://${bucket}/${key}`)),
        };
        expect(leftoversOf(rest, before, NOW)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a workflow that comes back', () => {
  const fn = {
    name: 'wflo-prod-step-report-write',
    at: NOW,
    role: 'now',
    versions: [{ arn: version('wflo-prod-step-report-write', 1), at: NOW, role: 'now' }],
  };
  const found = anInventory({
    machines: [aMachine('report', { at: NOW, names: names({ versions: [version(fn.name, 1)] }) })],
    functions: [fn],
    logGroups: ['/wflo/prod/step-report-write', '/aws/vendedlogs/states/wflo-prod-report'].map((name) => ({
      name,
      at: NOW,
    })),
  });

  it('finds its names free, however young the leftovers are', () => {
    expect(idsOf(inTheWay(found, ['report']))).toEqual([
      machineArn('report'),
      fn.name,
      '/wflo/prod/step-report-write',
      '/aws/vendedlogs/states/wflo-prod-report',
    ]);
    expect(retainedInUse(found, ['report'])).toEqual([]);
  });

  it('is told what is still open of it', () => {
    const open = { ...found, machines: found.machines.map((each) => ({ ...each, open: [each.names] })) };
    expect(retainedInUse(open, ['report']).map(({ workflow }) => workflow)).toEqual(['report']);
    expect(inTheWay(open, ['report'])).toEqual([]);
  });

  it('leaves alone what a stack manages and what another retained workflow needs', () => {
    const other = {
      ...fn,
      name: 'wflo-prod-step-audit-read',
      versions: [{ ...fn.versions[0], arn: version('wflo-prod-step-audit-read', 1) }],
    };
    const both = anInventory({
      ...found,
      stacks: stacks(machineArn('report'), fn.name),
      machines: [
        ...found.machines,
        aMachine('audit', { open: [names({ versions: [version('wflo-prod-step-audit-read', 1)] })] }),
      ],
      functions: [fn, other as typeof fn],
    });
    expect(inTheWay(both, ['report'])).toEqual([]);
  });
});

describe('what remains of a destroyed stage', () => {
  it('is everything but code, and the roles before the task definitions that tell of them', () => {
    const found = anInventory({
      machines: [aMachine('report')],
      functions: [{ name: 'wflo-prod-step-report-write', at: NOW, role: 'one', versions: [] }],
      roles: [{ name: 'one', at: NOW }],
      revisions: [
        { arn: revision('wflo-prod-python-256-512', 1), at: NOW, executionRole: 'WfloPlatform-prod-ExecutionRole1' },
        { arn: revision('wflo-prod-python-256-512', 2), at: NOW, executionRole: 'somebody-elses' },
      ],
      logGroups: [{ name: '/wflo/prod/sandbox', at: NOW }],
      code: [{ bucket: 'artefacts', key: 'code/aa', sha256: 'aa', at: LONG_AGO }],
    });
    expect(idsOf(remainsOf(found, 'prod'))).toEqual([
      machineArn('report'),
      'wflo-prod-step-report-write',
      '/wflo/prod/sandbox',
      'one',
      'WfloPlatform-prod-ExecutionRole1',
      revision('wflo-prod-python-256-512', 1),
      revision('wflo-prod-python-256-512', 2),
    ]);
  });
});
