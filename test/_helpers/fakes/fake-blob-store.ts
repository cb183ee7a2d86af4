import { WfloError } from '../../../lib/errors.ts';
import { type Handle, INLINE_LIMIT_BYTES } from '../../../lib/execution/records.ts';
import { canonicalJson, type Json, sha256 } from '../../../lib/json.ts';
import type { BlobStore } from '../../../lib/ports.ts';
import type { UrlsAnswer } from '../../../lib/sandbox/protocol.ts';

/** URLs are `memory:///<key>`. */
export class FakeBlobStore implements BlobStore {
  readonly #blobs = new Map<string, string>();
  /** What runners uploaded, by key. */
  readonly uploads = new Map<string, string>();

  async put(executionId: string, name: string, value: Json): Promise<Handle> {
    const text = canonicalJson(value);
    const bytes = Buffer.byteLength(text);
    const at = bytes <= INLINE_LIMIT_BYTES ? 'item' : 's3';
    const key = at === 'item' ? name : `blobs/${executionId.replaceAll(':', '/')}/${name}`;
    const stored = this.#blobs.get(`${executionId} ${key}`);
    if (stored !== undefined && stored !== text) {
      throw new WfloError('internal', `blob ${name} of ${executionId} exists with another value`);
    }
    this.#blobs.set(`${executionId} ${key}`, text);
    return { at, key, sha256: sha256(text), bytes };
  }

  async get(executionId: string, handle: Handle): Promise<Json> {
    const text = this.#blobs.get(`${executionId} ${handle.key}`);
    if (text === undefined || sha256(text) !== handle.sha256) {
      throw new WfloError('payload_changed', `the stored value ${handle.key} of ${executionId} was changed`);
    }
    return JSON.parse(text) as Json;
  }

  /** Changes a stored value behind the back of its handle. */
  tamper(executionId: string, handle: Handle, text: string): void {
    this.#blobs.set(`${executionId} ${handle.key}`, text);
  }

  async downloadUrl(key: string): Promise<string> {
    return `memory:///${key}`;
  }

  async uploadUrl(key: string, bytes: number, hash: string): Promise<UrlsAnswer> {
    return {
      url: `memory:///${key}`,
      headers: {
        'content-length': String(bytes),
        'x-amz-checksum-sha256': Buffer.from(hash, 'hex').toString('base64'),
      },
      key,
    };
  }

  async getUpload(key: string, bytes: number, hash: string): Promise<string> {
    const text = this.uploads.get(key);
    if (text === undefined || Buffer.byteLength(text) !== bytes || sha256(text) !== hash) {
      throw new WfloError('invalid_request', `the upload ${key} is missing or is not what was announced`);
    }
    return text;
  }

  async checkUpload(key: string, bytes: number, hash: string): Promise<void> {
    await this.getUpload(key, bytes, hash);
  }

  async outcomeUrl(key: string): Promise<string> {
    return `memory:///${key}`;
  }

  async readSmall(key: string, limitBytes: number): Promise<string | undefined> {
    const text = this.uploads.get(key);
    if (text !== undefined && Buffer.byteLength(text) > limitBytes) {
      throw new WfloError('invalid_request', `${key} has more than ${limitBytes} bytes`);
    }
    return text;
  }
}
