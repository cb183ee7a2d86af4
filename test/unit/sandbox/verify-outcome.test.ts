import { describe, expect, it } from 'vitest';
import { completionHash } from '../../../lib/sandbox/completion-hash.ts';
import type { SignedOutcome } from '../../../lib/sandbox/protocol.ts';
import { isSignedBy, outcomeSigner } from '../../../lib/sandbox/sign-outcome.ts';
import { verifyOutcome } from '../../../lib/sandbox/verify-outcome.ts';
import { aLease } from '../../_helpers/fakes/records.ts';
import { aCompletion, outcomeText, RUNNER_KEY } from '../../_helpers/signed-outcome.ts';

const lease = aLease({ status: 'claimed', outcomeKey: RUNNER_KEY.publicKey });
const { outcomeKey: _, ...keyless } = lease;
const stranger = outcomeSigner();

/** The file with its body changed after it was signed. */
function rewritten(change: (body: string) => string): string {
  const { body, signature } = JSON.parse(outcomeText(lease)) as SignedOutcome;
  return JSON.stringify({ body: change(body), signature });
}

/** A file whose signature is good, over a text that need not be an outcome. */
function signedText(value: object): string {
  return JSON.stringify(RUNNER_KEY.sign(value as Parameters<typeof RUNNER_KEY.sign>[0]));
}

const described = (completion: object) => {
  const { executionId, path, attempt, leaseId } = lease;
  return { executionId, path, attempt, leaseId, completion };
};

describe('verifyOutcome', () => {
  it('gives the completion that the runner signed', () => {
    const completion = aCompletion({
      exit: { reason: 'agent_failed', code: 3, message: 'é' },
      output: { text: '{"a":"ü"}' },
    });
    const verified = verifyOutcome(outcomeText(lease, completion), lease);
    expect(verified).toEqual({ ok: true, completion });
    // The same completion by `complete` is a repeat of it.
    expect(verified.ok && completionHash(verified.completion)).toBe(completionHash(completion));
  });

  it.each([
    ['a lease without a key', outcomeText(lease), keyless, 'the lease has no key'],
    ['text that is not JSON', '{"body":', lease, 'not a signed outcome'],
    ['an empty text', '', lease, 'not a signed outcome'],
    ['JSON without a signature', '{"body":"{}"}', lease, 'not a signed outcome'],
    ['a body that is no text', '{"body":{},"signature":"aa"}', lease, 'not a signed outcome'],
    ['a completion as it goes over the wire', JSON.stringify(aCompletion()), lease, 'not a signed outcome'],
    ['no signature', JSON.stringify({ body: '{}', signature: '' }), lease, 'did not sign it'],
    ['a wrong signature', JSON.stringify({ body: '{}', signature: 'A'.repeat(86) }), lease, 'did not sign it'],
    ['a body changed by a code', rewritten((body) => body.replace('"code":0', '"code":1')), lease, 'did not sign it'],
    ['a body changed by a space', rewritten((body) => `${body} `), lease, 'did not sign it'],
    ['a key of somebody else', outcomeText(lease, {}, { signer: stranger }), lease, 'did not sign it'],
    ['a claim with another key', outcomeText(lease), { ...lease, outcomeKey: stranger.publicKey }, 'did not sign it'],
    ['a claim with a malformed key', outcomeText(lease), { ...lease, outcomeKey: 'no key' }, 'did not sign it'],
    ['another execution', outcomeText({ ...lease, executionId: 'report:two' }), lease, 'another attempt'],
    ['another step', outcomeText({ ...lease, path: 'read' }), lease, 'another attempt'],
    ['another attempt', outcomeText({ ...lease, attempt: 2 }), lease, 'another attempt'],
    ['another lease', outcomeText({ ...lease, leaseId: '01LEASE0000000000000000002' }), lease, 'another lease'],
    ['an epoch that is over', outcomeText(lease), { ...lease, epoch: 2 }, 'it is for epoch 1, now is 2'],
    ['an epoch that is not yet', outcomeText(lease, { epoch: 2 }), lease, 'it is for epoch 2, now is 1'],
    ['a body that is another object', signedText({ hello: 1 }), lease, 'its body is not an outcome'],
    ['a body that is nothing', signedText([]), lease, 'its body is not an outcome'],
    ['a completion without an exit', signedText(described({ epoch: 1 })), lease, 'its body is not an outcome'],
    [
      'an end that only the control plane finds',
      signedText(described({ ...aCompletion(), exit: { reason: 'lost', code: null } })),
      lease,
      'its body is not an outcome',
    ],
    [
      'a success with the code of a failure',
      signedText(described({ ...aCompletion(), exit: { reason: 'ok', code: 1 } })),
      lease,
      'its body is not an outcome',
    ],
  ])('refuses %s', (_what, text, claimed, why) => {
    expect(verifyOutcome(text, claimed)).toEqual({ ok: false, why: expect.stringContaining(why) });
  });

  it('says nothing of the content in a refusal', () => {
    const secret = 'hunter2';
    const texts = [
      signedText(described({ ...aCompletion(), exit: secret })),
      outcomeText(lease, { output: { text: secret } }, { signer: stranger }),
      outcomeText(lease, { output: { text: secret } }, { body: { path: secret } }),
    ];
    for (const text of texts) {
      const verified = verifyOutcome(text, lease);
      expect(verified.ok).toBe(false);
      expect(JSON.stringify(verified)).not.toContain(secret);
    }
  });
});

describe('a signer', () => {
  it('has a key of its own, of 32 bytes', () => {
    expect(stranger.publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(stranger.publicKey).not.toBe(RUNNER_KEY.publicKey);
  });

  it('signs what its public key shows, and no other', () => {
    const signed = JSON.parse(outcomeText(lease)) as SignedOutcome;
    expect(isSignedBy(RUNNER_KEY.publicKey, signed)).toBe(true);
    expect(isSignedBy(stranger.publicKey, signed)).toBe(false);
  });
});
