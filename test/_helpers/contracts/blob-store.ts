import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INLINE_LIMIT_BYTES } from '../../../lib/execution/records.ts';
import { sha256 } from '../../../lib/json.ts';
import type { BlobStore } from '../../../lib/ports.ts';
import type { UrlsAnswer } from '../../../lib/sandbox/protocol.ts';

export interface BlobStoreUnderTest {
  readonly store: BlobStore;
  /** Does what a runner does with the answer. */
  upload(answer: UrlsAnswer, body: string): Promise<void>;
  close?(): Promise<void>;
}

export function describeBlobStoreContract(
  name: string,
  makeStore: () => BlobStoreUnderTest | Promise<BlobStoreUnderTest>,
): void {
  describe(`blob store: ${name}`, () => {
    let under: BlobStoreUnderTest;
    let store: BlobStore;

    beforeAll(async () => {
      under = await makeStore();
      store = under.store;
    });
    afterAll(() => under.close?.());

    const newId = () => `report:${randomBytes(6).toString('hex')}`;
    const small = { text: 'small', list: [1, 2.5, null, true] };
    const large = { text: 'ä'.repeat(INLINE_LIMIT_BYTES) };

    it.each([
      ['item', small],
      ['s3', large],
    ])('gives back what it stored, at %s', async (at, value) => {
      const executionId = newId();
      const handle = await store.put(executionId, 'input', value);
      expect(handle).toMatchObject({ at, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(await store.get(executionId, handle)).toEqual(value);
    });

    it('stores inline up to 32 KiB of canonical text, and not a byte more', async () => {
      const executionId = newId();
      const full = 'x'.repeat(INLINE_LIMIT_BYTES - 2);
      expect(await store.put(executionId, 'full', full)).toMatchObject({ at: 'item', bytes: INLINE_LIMIT_BYTES });
      expect(await store.put(executionId, 'more', `${full}x`)).toMatchObject({ at: 's3' });
    });

    it('hashes the canonical form', async () => {
      const handle = await store.put(newId(), 'input', { b: 1, a: 2 });
      expect(handle).toMatchObject({ sha256: sha256('{"a":2,"b":1}'), bytes: 13 });
    });

    it.each([
      ['item', small, { text: 'other' }],
      ['s3', large, { text: 'ö'.repeat(INLINE_LIMIT_BYTES) }],
    ])('takes a name once: the same value again is a no-op, another throws, at %s', async (_at, value, other) => {
      const executionId = newId();
      const handle = await store.put(executionId, 'input', value);
      expect(await store.put(executionId, 'input', value)).toEqual(handle);
      await expect(store.put(executionId, 'input', other)).rejects.toMatchObject({ code: 'internal' });
      expect(await store.get(executionId, handle)).toEqual(value);
    });

    it.each([
      ['item', small],
      ['s3', large],
    ])('refuses a value that does not have the hash of its handle, at %s', async (_at, value) => {
      const executionId = newId();
      const handle = await store.put(executionId, 'input', value);
      await expect(store.get(executionId, { ...handle, sha256: sha256('else') })).rejects.toMatchObject({
        code: 'payload_changed',
      });
      await expect(store.get(executionId, { ...handle, key: `${handle.key}-gone` })).rejects.toMatchObject({
        code: 'payload_changed',
      });
    });

    it.each([
      ['item', small],
      ['s3', large],
    ])('does not read a value of another execution, at %s', async (_at, value) => {
      const handle = await store.put(newId(), 'input', value);
      await expect(store.get(newId(), handle)).rejects.toMatchObject({ code: 'payload_changed' });
    });

    describe('an upload', () => {
      const body = '{"summary":"ä"}';
      const bytes = Buffer.byteLength(body);
      const newKey = () => `uploads/report/${randomBytes(6).toString('hex')}/write/1/output`;

      it('is read as text when it has the announced size and hash', async () => {
        const answer = await store.uploadUrl(newKey(), bytes, sha256(body));
        expect(answer.headers).toEqual({
          'content-length': String(bytes),
          'x-amz-checksum-sha256': Buffer.from(sha256(body), 'hex').toString('base64'),
        });
        await under.upload(answer, body);
        expect(await store.getUpload(answer.key, bytes, sha256(body))).toBe(body);
      });

      it('is refused when it is missing, or has another size or hash', async () => {
        const key = newKey();
        const refused = { code: 'invalid_request' };
        await expect(store.getUpload(key, bytes, sha256(body))).rejects.toMatchObject(refused);
        await under.upload(await store.uploadUrl(key, bytes, sha256(body)), body);
        await expect(store.getUpload(key, bytes + 1, sha256(body))).rejects.toMatchObject(refused);
        await expect(store.getUpload(key, bytes, sha256('else'))).rejects.toMatchObject(refused);
      });

      it('is checked for size and hash without being read', async () => {
        const key = newKey();
        const refused = { code: 'invalid_request' };
        await expect(store.checkUpload(key, bytes, sha256(body))).rejects.toMatchObject(refused);
        await under.upload(await store.uploadUrl(key, bytes, sha256(body)), body);
        await store.checkUpload(key, bytes, sha256(body));
        await expect(store.checkUpload(key, bytes + 1, sha256(body))).rejects.toMatchObject(refused);
        await expect(store.checkUpload(key, bytes, sha256('else'))).rejects.toMatchObject(refused);
      });
    });

    describe('a small object', () => {
      const body = '{"signed":"ä"}';
      const bytes = Buffer.byteLength(body);
      const newKey = () => `uploads/report/${randomBytes(6).toString('hex')}/write/1/outcome-lease.json`;
      const leave = async (key: string, text: string) =>
        under.upload({ url: await store.outcomeUrl(key), headers: {}, key }, text);

      it('is undefined where there is none', async () => {
        expect(await store.readSmall(newKey(), bytes)).toBeUndefined();
      });

      it('is left by a PUT of any length, again too, and is read as text', async () => {
        const key = newKey();
        await leave(key, 'before');
        expect(await store.readSmall(key, bytes)).toBe('before');
        await leave(key, body);
        expect(await store.readSmall(key, bytes + 1)).toBe(body);
      });

      it('is read up to the limit in bytes, and refused above', async () => {
        const key = newKey();
        await leave(key, body);
        expect(await store.readSmall(key, bytes)).toBe(body);
        await expect(store.readSmall(key, bytes - 1)).rejects.toMatchObject({ code: 'invalid_request' });
      });
    });
  });
}
