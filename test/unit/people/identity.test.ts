import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityOf, identityToLink, namesItsSessions, provenCaller } from '../../../lib/people/identity.ts';

const partition = fc.constantFrom('aws', 'aws-cn', 'aws-us-gov');
const account = fc.stringMatching(/^\d{12}$/);
const name = fc.stringMatching(/^[\w+=,.@-]{2,64}$/);
const path = fc
  .array(fc.stringMatching(/^[!-.0-~]{1,20}$/), { maxLength: 3 })
  .map((parts) => parts.map((part) => `${part}/`).join(''));
const ownRole = name.filter((text) => !text.startsWith('AWSReservedSSO_'));
const identityCenterRole = fc
  .tuple(fc.stringMatching(/^\w{1,20}$/), fc.stringMatching(/^[0-9a-f]{16}$/))
  .map(([set, suffix]) => `AWSReservedSSO_${set}_${suffix}`);
const session = (p: string, a: string, role: string, s: string) => `arn:${p}:sts::${a}:assumed-role/${role}/${s}`;
const proven = (arn: string, attested = false) => identityOf(provenCaller(arn), attested);

describe('the identity of a proven ARN', () => {
  it('of a user is the ARN', () => {
    fc.assert(
      fc.property(partition, account, path, name, fc.boolean(), (p, a, at, user, attested) => {
        const arn = `arn:${p}:iam::${a}:user/${at}${user}`;
        expect(proven(arn, attested)).toBe(arn);
      }),
    );
  });

  it('of a role that lets its callers choose is one for all sessions', () => {
    fc.assert(
      fc.property(partition, account, ownRole, name, name, (p, a, role, one, two) => {
        expect(proven(session(p, a, role, one))).toBe(`arn:${p}:iam::${a}:role/${role}`);
        expect(proven(session(p, a, role, two))).toBe(proven(session(p, a, role, one)));
      }),
    );
  });

  it('of a role that enforces names is another one for every session', () => {
    fc.assert(
      fc.property(partition, account, identityCenterRole, ownRole, name, name, (p, a, center, own, one, two) => {
        expect(proven(session(p, a, center, one))).toBe(session(p, a, center, one));
        expect(proven(session(p, a, own, one), true)).toBe(session(p, a, own, one));
        expect(proven(session(p, a, own, one), true) === proven(session(p, a, own, two), true)).toBe(one === two);
      }),
    );
  });

  it('is never that of another account, partition or kind', () => {
    fc.assert(
      fc.property(
        fc.tuple(partition, account, name),
        fc.tuple(partition, account, name),
        fc.boolean(),
        (one, two, attested) => {
          const same = one.join() === two.join();
          expect(proven(session(...one, 'ada'), attested) === proven(session(...two, 'ada'), attested)).toBe(same);
          const user = `arn:${one[0]}:iam::${one[1]}:user/${one[2]}`;
          expect(proven(user)).not.toBe(proven(session(...two, 'ada'), attested));
        },
      ),
    );
  });

  it('does not take a name that only looks like that of IAM Identity Center', () => {
    for (const role of [
      'AWSReservedSSO_',
      'AWSReservedSSO_Admin',
      'awsreservedsso_Admin_0123456789abcdef',
      'xAWSReservedSSO_A_0123456789abcdef',
    ]) {
      expect(namesItsSessions(`arn:aws:iam::123456789012:role/${role}`, false)).toBe(false);
    }
  });

  it.each([
    'arn:aws:iam::123456789012:root',
    'arn:aws:sts::123456789012:federated-user/ada',
    'arn:aws:iam::123456789012:role/deploy',
    'arn:aws:sts::123456789012:assumed-role/deploy',
    'arn:aws:sts::123456789012:assumed-role/deploy/',
    'arn:aws:sts::123456789012:assumed-role/a/b/c',
    'arn:aws:iam::123456789012:user/',
    'arn:aws:iam::123456789012:user//ada',
    'arn:aws:iam::12345:user/ada',
    'arn:gcp:iam::123456789012:user/ada',
    ' arn:aws:iam::123456789012:user/ada',
    'arn:aws:iam::123456789012:user/ada\n',
    `arn:aws:iam::123456789012:user/${'a/'.repeat(600)}ada`,
    'ada',
    '',
  ])('of %j is none', (arn) => {
    expect(() => provenCaller(arn)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });
});

describe('what is linked', () => {
  it('is what the caller is then found by', () => {
    fc.assert(
      fc.property(partition, account, ownRole, identityCenterRole, name, path, (p, a, own, center, who, at) => {
        expect(identityToLink(session(p, a, center, who), false)).toBe(proven(session(p, a, center, who)));
        expect(identityToLink(session(p, a, own, who), true)).toBe(proven(session(p, a, own, who), true));
        expect(identityToLink(`arn:${p}:iam::${a}:role/${at}${own}`, false)).toBe(proven(session(p, a, own, who)));
        const user = `arn:${p}:iam::${a}:user/${at}${who}`;
        expect(identityToLink(user, false)).toBe(proven(user));
      }),
    );
  });

  it.each([
    ['a session of a role that lets its callers choose', 'arn:aws:sts::123456789012:assumed-role/deploy/ada', false],
    ['a role whose sessions are people', 'arn:aws:iam::123456789012:role/deploy', true],
    [
      'a role of IAM Identity Center',
      'arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef',
      false,
    ],
    ['the root user', 'arn:aws:iam::123456789012:root', false],
    ['a federated user', 'arn:aws:sts::123456789012:federated-user/ada', false],
    ['anything else', 'ada@example.com', false],
  ])('is not %s', (_what, arn, attested) => {
    expect(() => identityToLink(arn, attested)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
