import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../_helpers/permissions/evaluate.ts';
import { type Network, type Proof, proofOf } from '../_helpers/permissions/proof.ts';
import { isReasoned, REASONS, reasonOf } from '../_helpers/permissions/reasons.ts';
import { permissionsPage } from '../_helpers/permissions/report.ts';
import { UNRECORDED } from '../_helpers/permissions/unrecorded-calls.ts';
import { lineOf, recordedCalls, summary } from '../_helpers/recorded-calls/recorded.ts';

const page = resolve(import.meta.dirname, '../../docs/permissions.md');
const proofs = {} as Record<Network, Proof>;
beforeAll(async () => {
  for (const network of ['private', 'open'] as const) proofs[network] = await proofOf(network);
}, 180_000);

describe.each(['private', 'open'] as const)('in the %s network', (network) => {
  it('every call that a service makes is allowed', () => {
    const { service, statements } = proofs[network];
    expect(service.length).toBeGreaterThan(400);
    expect(service.filter((call) => !decide(call, statements).allowed)).toEqual([]);
  });

  it('every call that a function made in the end-to-end tests is allowed here too', () => {
    const { recorded, statements } = proofs[network];
    expect(recorded.length).toBeGreaterThan(300);
    expect(recorded.filter((call) => !decide(call, statements).allowed)).toEqual([]);
  });

  it('every call that a function makes where these tests do not surely get is allowed', () => {
    const { unrecorded, statements } = proofs[network];
    expect(unrecorded.filter((call) => !decide(call, statements).allowed)).toEqual([]);
  });

  it('what is not encrypted on its way is refused', () => {
    const { refused, statements } = proofs[network];
    expect(refused.length).toBeGreaterThan(40);
    expect(refused.filter((call) => decide(call, statements).allowed)).toEqual([]);
  });

  it('every grant is used by one of these calls, or has a reason', () => {
    expect(proofs[network].unused.filter((grant) => reasonOf(grant) === undefined)).toEqual([]);
  });

  it('removing any statement is noticed, or each of its grants has a reason', () => {
    const { statements, unnoticed } = proofs[network];
    console.log(
      `${network}: removal of ${statements.length - unnoticed.length} of ${statements.length} statements is noticed`,
    );
    expect(statements.length).toBeGreaterThan(150);
    expect(unnoticed.filter((statement) => !isReasoned(statement)).map(({ id }) => id)).toEqual([]);
  });
});

it('what every function of the stage calls is known', () => {
  const recorded = new Set([...recordedCalls(), ...UNRECORDED].map(({ role }) => role));
  const { stage } = proofs.private;
  const roles = stage
    .ofType('AWS::Lambda::Function')
    .map(({ properties }) => stage.find('AWS::IAM::Role', properties.Role).name);
  expect(roles.filter((role) => !recorded.has(role))).toEqual([]);
});

it('no call is listed as never recorded that was recorded', () => {
  const recorded = new Set(summary());
  expect(UNRECORDED.map(lineOf).filter((call) => recorded.has(call))).toEqual([]);
});

it('no reason stands for a grant that is used, or that is gone', () => {
  const stated = new Set(Object.values(proofs).flatMap(({ unused }) => unused.map(reasonOf)));
  expect(REASONS.filter((reason) => !stated.has(reason))).toEqual([]);
});

it('docs/permissions.md is what the templates say', () => {
  const current = permissionsPage(proofs);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, current);
  expect(
    readFileSync(page, 'utf8'),
    'run UPDATE_DOCS=1 npx vitest run --project cdk test/constructs/permission-proof.test.ts',
  ).toBe(current);
});
