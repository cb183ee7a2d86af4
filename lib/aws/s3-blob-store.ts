import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { WfloError } from '../errors.ts';
import { type Handle, INLINE_LIMIT_BYTES } from '../execution/records.ts';
import { canonicalJson, type Json, sha256 } from '../json.ts';
import type { BlobStore, Clock } from '../ports.ts';
import { documentClient } from './document-client.ts';
import { FORGET_AT, valueExpiry } from './expiry.ts';
import { isConditionFailure } from './retry-conflicts.ts';
import { blobKey } from './state-keys.ts';

/** A URL also ends with the session that signed it. */
const URL_SECONDS = 15 * 60;

export interface S3BlobStoreOptions {
  readonly dynamo: DynamoDBClient;
  readonly s3: S3Client;
  /** From `presigningS3Client`. */
  readonly presign: S3Client;
  readonly stateTable: string;
  readonly bucket: string;
  readonly clock: Clock;
  /** How long records are kept; values live longer, as `valueDays` says. */
  readonly retentionDays: number;
}

/**
 * JSON values as canonical text: items `BLOB#<name>` of the State table up to 32 KiB, objects `blobs/…` above.
 * The role needs `s3:ListBucket` on the bucket: without it S3 answers 403 for an object that does not exist.
 */
export function s3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const { s3, presign, bucket: Bucket, stateTable: TableName } = options;
  const client = documentClient(options.dynamo);

  /** Undefined where there is none, or where it is not of the size that is expected. */
  async function object(Key: string, bytes: number): Promise<Buffer | undefined> {
    try {
      const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      if (Body === undefined || ContentLength !== bytes) {
        // An unread body keeps its connection.
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
        return undefined;
      }
      return Buffer.from(await Body.transformToByteArray());
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async function item(executionId: string, name: string): Promise<Buffer | undefined> {
    const { Item } = await client.send(
      new GetCommand({ TableName, Key: blobKey(executionId, name), ConsistentRead: true }),
    );
    return typeof Item?.text === 'string' ? Buffer.from(Item.text) : undefined;
  }

  function stored(executionId: string, handle: Handle): Promise<Buffer | undefined> {
    return handle.at === 'item' ? item(executionId, handle.key) : object(handle.key, handle.bytes);
  }

  /** False when the name is taken. */
  async function write(executionId: string, handle: Handle, content: Buffer): Promise<boolean> {
    try {
      if (handle.at === 'item') {
        const Item = {
          ...blobKey(executionId, handle.key),
          text: content.toString(),
          sha256: handle.sha256,
          [FORGET_AT]: valueExpiry(options),
        };
        await client.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' }));
      } else {
        await s3.send(
          new PutObjectCommand({
            Bucket,
            Key: handle.key,
            Body: content,
            ContentType: 'application/json',
            IfNoneMatch: '*',
          }),
        );
      }
      return true;
    } catch (error) {
      if (isConditionFailure(error) || isTaken(error)) return false;
      throw error;
    }
  }

  return {
    async put(executionId, name, value) {
      const content = Buffer.from(canonicalJson(value));
      const bytes = content.byteLength;
      const handle: Handle = {
        ...(bytes <= INLINE_LIMIT_BYTES
          ? { at: 'item', key: name }
          : { at: 's3', key: `${objectPrefix('blobs', executionId)}${name}` }),
        sha256: sha256(content),
        bytes,
      };
      if (await write(executionId, handle, content)) return handle;
      const before = await stored(executionId, handle);
      if (before === undefined || sha256(before) !== handle.sha256) {
        throw new WfloError('internal', `blob ${name} of ${executionId} exists with another value`);
      }
      return handle;
    },

    async get(executionId, handle) {
      // Handles come back through the state of the machine, so they could name anything.
      if (handle.at === 's3' && !handle.key.startsWith(objectPrefix('blobs', executionId))) {
        throw new WfloError('payload_changed', `${handle.key} is not a stored value of ${executionId}`);
      }
      const content = await stored(executionId, handle);
      if (content === undefined || sha256(content) !== handle.sha256) {
        throw new WfloError('payload_changed', `the stored value ${handle.key} of ${executionId} was changed`);
      }
      return JSON.parse(content.toString()) as Json;
    },

    downloadUrl: (Key) => getSignedUrl(presign, new GetObjectCommand({ Bucket, Key }), { expiresIn: URL_SECONDS }),

    async uploadUrl(key, bytes, hash) {
      const checksum = Buffer.from(hash, 'hex').toString('base64');
      const command = new PutObjectCommand({ Bucket, Key: key, ContentLength: bytes, ChecksumSHA256: checksum });
      const url = await getSignedUrl(presign, command, {
        expiresIn: URL_SECONDS,
        signableHeaders: new Set(['host', 'content-length', 'x-amz-checksum-sha256']),
        // In the query it would be accepted with any body.
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
      });
      return { url, key, headers: { 'content-length': String(bytes), 'x-amz-checksum-sha256': checksum } };
    },

    async getUpload(key, bytes, hash) {
      const content = await object(key, bytes);
      if (content === undefined || sha256(content) !== hash) {
        throw notAnnounced(key);
      }
      return content.toString();
    },

    async checkUpload(key, bytes, hash) {
      const checksum = Buffer.from(hash, 'hex').toString('base64');
      // Whoever uploaded had to send this checksum, and S3 compared it with what it stored.
      const head = await s3
        .send(new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' }))
        .catch((error: unknown) => {
          if (isAbsent(error)) return undefined;
          throw error;
        });
      if (head === undefined || head.ContentLength !== bytes || head.ChecksumSHA256 !== checksum) {
        throw notAnnounced(key);
      }
    },

    outcomeUrl: (Key) => getSignedUrl(presign, new PutObjectCommand({ Bucket, Key }), { expiresIn: URL_SECONDS }),

    async readSmall(Key, limitBytes) {
      try {
        const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        if (Body === undefined || ContentLength === undefined || ContentLength > limitBytes) {
          (Body as { destroy?: () => void } | undefined)?.destroy?.();
          throw new WfloError('invalid_request', `${Key} has ${ContentLength} bytes, the limit is ${limitBytes}`);
        }
        return await Body.transformToString();
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
  };
}

function notAnnounced(key: string): WfloError {
  return new WfloError('invalid_request', `the upload ${key} is missing or is not what was announced`, {
    fix: 'upload exactly the bytes that the URL was made for, then complete',
  });
}

/** A HEAD has no body that could tell the code, so that its 404 is called otherwise. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && ['NoSuchKey', 'NotFound'].includes(error.name);
}

/** Folder in the bucket of an execution's objects. */
function objectPrefix(kind: 'blobs', executionId: string): string {
  return `${kind}/${executionId.replaceAll(':', '/')}/`;
}

/** 412: it exists. 409: somebody is writing it at this moment. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && ['PreconditionFailed', 'ConditionalRequestConflict'].includes(error.name);
}
