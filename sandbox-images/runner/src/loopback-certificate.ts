import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface LoopbackCertificate {
  /** PEM; clients that trust it trust this server and nothing else. */
  readonly cert: string;
  /** PEM; never leaves the runner. */
  readonly key: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** No execution lasts longer. */
const DAYS = 366;
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));

/**
 * A certificate for 127.0.0.1 that signs itself, of a new key (P-256), as RFC 5280 writes it. Node makes none: botocore
 * sends a bearer token over HTTPS only, on loopback too.
 */
export function loopbackCertificate(now = new Date()): LoopbackCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('wflo runner')))));
  const keyId = createHash('sha1').update(spki).digest();
  const extensions = sequence(
    // A CA, so that it can stand among trusted roots.
    extension('551d13', true, sequence(der(0x01, Buffer.from([0xff])))),
    // To sign certificates and handshakes.
    extension('551d0f', true, der(0x03, Buffer.from([2, 0x84]))),
    extension('551d0e', false, der(0x04, keyId)),
    extension('551d11', false, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))),
  );
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + DAYS * DAY_MS))),
    name,
    spki,
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = sequence(body, ECDSA_WITH_SHA256, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
}

function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${text}Z`));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
