import { WfloError } from '../errors.ts';
import { type Handle, INLINE_LIMIT_BYTES } from '../execution/records.ts';
import { canonicalJson, type Json, sha256 } from '../json.ts';
import type { BlobStore } from '../ports.ts';
import type { UrlsAnswer } from '../sandbox/protocol.ts';

/** Stored values of one execution. Sandboxes of a test upload nothing, so every upload is taken as announced. */
export class MemoryBlobs implements BlobStore {
  readonly #texts = new Map<string, string>();

  async put(executionId: string, name: string, value: Json): Promise<Handle> {
    const text = canonicalJson(value);
    const bytes = Buffer.byteLength(text);
    this.#texts.set(`${executionId} ${name}`, text);
    return { at: bytes <= INLINE_LIMIT_BYTES ? 'item' : 's3', key: name, sha256: sha256(text), bytes };
  }

  async get(executionId: string, handle: Handle): Promise<Json> {
    const text = this.#texts.get(`${executionId} ${handle.key}`);
    if (text === undefined) throw new WfloError('payload_changed', `there is no stored value ${handle.key}`);
    return JSON.parse(text) as Json;
  }

  async downloadUrl(key: string): Promise<string> {
    return `memory:///${key}`;
  }

  async uploadUrl(key: string): Promise<UrlsAnswer> {
    return { url: `memory:///${key}`, headers: {}, key };
  }

  async getUpload(key: string): Promise<string> {
    throw new WfloError('invalid_request', `nothing was uploaded as ${key}`);
  }

  async checkUpload(): Promise<void> {}

  async outcomeUrl(key: string): Promise<string> {
    return `memory:///${key}`;
  }

  async readSmall(): Promise<undefined> {
    return undefined;
  }
}
