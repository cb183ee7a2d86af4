import { describe, expect, it } from 'vitest';
import { type Call, decide, like } from '../../_helpers/permissions/evaluate.ts';
import type { PolicyStatement } from '../../_helpers/permissions/policies.ts';
import { removedUnnoticed, unused } from '../../_helpers/permissions/removal.ts';

const ROLE = 'arn:aws:iam::111122223333:role/Some';
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/Some';
const QUEUE = 'arn:aws:sqs:eu-central-1:111122223333:some';

const statement = (more: Partial<PolicyStatement>): PolicyStatement => ({
  id: 'some',
  kind: 'identity',
  owner: 'Some',
  of: ROLE,
  effect: 'Allow',
  actions: ['sqs:SendMessage'],
  resources: [QUEUE],
  principals: [],
  conditions: {},
  ...more,
});
const call = (more: Partial<Call> = {}): Call => ({
  because: 'a test',
  principal: `role:${ROLE}`,
  action: 'sqs:SendMessage',
  resource: QUEUE,
  context: {},
  ...more,
});
const own = statement({});
const ofQueue = statement({ kind: 'resource', principals: ['service:events.amazonaws.com'] });
const allowed = (made: Call, ...statements: PolicyStatement[]) => decide(made, statements).allowed;

describe('a call', () => {
  it('is refused where nothing allows it', () => {
    expect(allowed(call())).toBe(false);
    expect(allowed(call({ principal: 'role:arn:aws:iam::111122223333:role/Other' }), own)).toBe(false);
    expect(allowed(call({ action: 'sqs:ReceiveMessage' }), own)).toBe(false);
    expect(allowed(call({ resource: `${QUEUE}-other` }), own)).toBe(false);
  });

  it('of a role is allowed by its own policy, of a service only by that of the resource', () => {
    const service = call({ principal: 'service:events.amazonaws.com' });
    expect(allowed(call(), own)).toBe(true);
    expect(allowed(service, own)).toBe(false);
    expect(allowed(service, ofQueue)).toBe(true);
    expect(allowed(call({ principal: 'service:sns.amazonaws.com' }), ofQueue)).toBe(false);
  });

  it('is refused where anything denies it', () => {
    const deny = statement({ kind: 'resource', effect: 'Deny', actions: ['sqs:*'], principals: ['aws:*'] });
    expect(decide(call(), [own, deny])).toEqual({ allowed: false, by: [deny] });
  });

  it('of a role on a key needs the delegation of the key policy as well', () => {
    const made = call({ action: 'kms:Decrypt', resource: KEY });
    const mine = statement({ actions: ['kms:Decrypt'], resources: [KEY] });
    const root = ['aws:arn:aws:iam::111122223333:root'];
    const delegates = statement({ kind: 'key', of: KEY, actions: ['kms:*'], resources: [KEY], principals: root });
    expect(allowed(made, mine)).toBe(false);
    expect(allowed(made, delegates)).toBe(false);
    expect(decide(made, [mine, delegates]).by).toEqual([mine, delegates]);
    expect(allowed({ ...made, principal: 'service:events.amazonaws.com' }, mine, delegates)).toBe(false);
  });

  it('through an endpoint needs its policy as well', () => {
    const endpoint = statement({ kind: 'endpoint', of: 'door', principals: ['aws:*'] });
    expect(allowed(call({ through: 'door' }), own)).toBe(false);
    expect(allowed(call({ through: 'door' }), own, endpoint)).toBe(true);
    expect(allowed(call({ through: 'other' }), own, endpoint)).toBe(false);
    expect(allowed(call(), endpoint)).toBe(false);
  });

  it('has to hold every condition, and one of its values', () => {
    const conditions = { StringEquals: { a: ['1', '2'] }, ArnLike: { b: ['arn:*:x'] } };
    const bound = statement({ conditions });
    expect(allowed(call({ context: { a: '2', b: 'arn:aws:x' } }), bound)).toBe(true);
    expect(allowed(call({ context: { a: '3', b: 'arn:aws:x' } }), bound)).toBe(false);
    expect(allowed(call({ context: { a: '2' } }), bound)).toBe(false);
  });

  it('is not judged by an operator that is not known', () => {
    const strange = statement({ conditions: { StringNotEquals: { a: ['1'] } } });
    expect(() => decide(call(), [strange])).toThrow('StringNotEquals is not known');
  });

  it('without a key holds a condition only where that says so', () => {
    const loose = statement({ conditions: { StringEqualsIfExists: { a: ['1'] } } });
    expect(allowed(call(), loose)).toBe(true);
    expect(allowed(call({ context: { a: '2' } }), loose)).toBe(false);
  });
});

it('a pattern matches the whole text', () => {
  expect(like('a:*', 'a:b/c')).toBe(true);
  expect(like('a.c', 'abc')).toBe(false);
  expect(like('a', 'ab')).toBe(false);
  expect(like('a?c', 'abc')).toBe(true);
});

describe('a grant', () => {
  it('is unused when no call needs its action on its resource', () => {
    const wide = statement({ actions: ['sqs:SendMessage', 'sqs:PurgeQueue'], resources: [QUEUE, `${QUEUE}-2`] });
    expect(unused([wide], [call()])).toEqual([
      `Some: sqs:SendMessage on ${QUEUE}-2`,
      `Some: sqs:PurgeQueue on ${QUEUE}`,
      `Some: sqs:PurgeQueue on ${QUEUE}-2`,
    ]);
  });

  it('is not noticed when it is gone where another one allows the same', () => {
    expect(removedUnnoticed([own], { allowed: [call()], refused: [] })).toEqual([]);
    const twice = [own, statement({ id: 'again' })];
    expect(removedUnnoticed(twice, { allowed: [call()], refused: [] })).toEqual(twice);
  });
});
