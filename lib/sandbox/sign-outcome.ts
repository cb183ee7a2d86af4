import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { OutcomeBody, SignedOutcome } from './protocol.ts';

/** Signs the outcome of one runner process. The private key never leaves it. */
export interface OutcomeSigner {
  /** Raw Ed25519 public key, base64url: what goes with the claim. */
  readonly publicKey: string;
  sign(body: OutcomeBody): SignedOutcome;
}

/** A new key pair. */
export function outcomeSigner(): OutcomeSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
    sign: (body) => {
      const text = JSON.stringify(body);
      return { body: text, signature: sign(null, Buffer.from(text), privateKey).toString('base64url') };
    },
  };
}

/** Whether whoever holds the private key of this public key signed exactly this text. False for anything malformed. */
export function isSignedBy(publicKey: string, { body, signature }: SignedOutcome): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    return verify(null, Buffer.from(body), key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
