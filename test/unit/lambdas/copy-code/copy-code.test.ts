import { beforeEach, describe, expect, it } from 'vitest';
import { type CodeObjects, copyCode } from '../../../../lambdas/copy-code/copy-code.ts';
import type { CustomResourceEvent } from '../../../../lib/aws/custom-resource.ts';
import { sha256 } from '../../../../lib/json.ts';

const CONTENT = Buffer.from('an archive');
const HASH = sha256(CONTENT);

let written: string[];
let objects: CodeObjects;
beforeEach(() => {
  written = [];
  objects = {
    read: async (bucket, key) => {
      if (`${bucket}/${key}` !== 'assets/x.gz') throw new Error('NoSuchKey');
      return CONTENT;
    },
    write: async (key, content, hash) => {
      written.push(`${key} ${sha256(content)} ${hash}`);
    },
  };
});

const event = (properties: object, over: Partial<CustomResourceEvent> = {}): CustomResourceEvent => ({
  RequestType: 'Create',
  ResponseURL: '',
  StackId: 's',
  RequestId: 'r',
  LogicalResourceId: 'l',
  ResourceProperties: { SourceBucket: 'assets', SourceKey: 'x.gz', Sha256: HASH, ...properties },
  ...over,
});

describe('copy-code', () => {
  it('writes the archive under its hash', async () => {
    expect(await copyCode(objects, event({}))).toEqual({ physicalResourceId: `code/${HASH}.tar.gz` });
    expect(written).toEqual([`code/${HASH}.tar.gz ${HASH} ${HASH}`]);
  });

  it('writes nothing when the bytes have another hash', async () => {
    await expect(copyCode(objects, event({ Sha256: '0'.repeat(64) }))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(written).toEqual([]);
  });

  it.each([{ Sha256: '../escape' }, { Sha256: HASH.toUpperCase() }, { SourceKey: 7 }, { SourceBucket: undefined }])(
    'refuses %j',
    async (properties) => {
      await expect(copyCode(objects, event(properties))).rejects.toMatchObject({ code: 'invalid_request' });
      expect(written).toEqual([]);
    },
  );

  it('deletes nothing when the resource goes: open executions name the object', async () => {
    const before = `code/${HASH}.tar.gz`;
    const gone = event({ SourceKey: 'gone' }, { RequestType: 'Delete', PhysicalResourceId: before });
    expect(await copyCode(objects, gone)).toEqual({ physicalResourceId: before });
    expect(written).toEqual([]);
  });
});
