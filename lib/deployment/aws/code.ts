import { DeleteObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { CodeFound, Stacks } from '../inventory.ts';
import { stackName } from '../stack-names.ts';

/** The artefact bucket is the only one of the data stack; undefined where the stack is not there. */
export function artefactBucket({ resources }: Stacks, stage: string): string | undefined {
  const data = stackName('Data', stage);
  return resources.find(({ stack, type }) => stack === data && type === 'AWS::S3::Bucket')?.id;
}

export async function readCode(client: S3Client, bucket: string | undefined): Promise<readonly CodeFound[]> {
  if (bucket === undefined) return [];
  const code: CodeFound[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: 'code/' })) {
    for (const { Key: key = '', LastModified } of Contents) {
      const [, sha256] = /^code\/([0-9a-f]{64})\b/.exec(key) ?? [];
      if (sha256 !== undefined) code.push({ bucket, key, sha256, at: LastModified ?? new Date() });
    }
  }
  return code;
}

/** Its bytes stay as a noncurrent version, which the bucket's lifecycle expires after 30 days. */
export async function removeCode(client: S3Client, uri: string): Promise<void> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (Bucket === undefined || Key === undefined) throw new Error(`${uri} is not the address of an object`);
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
}
