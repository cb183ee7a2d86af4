import type { CustomResourceAnswer, CustomResourceEvent } from '../../lib/aws/custom-resource.ts';
import { WfloError } from '../../lib/errors.ts';
import { codeKey } from '../../lib/execution/machine.ts';
import { sha256 } from '../../lib/json.ts';

export interface CodeObjects {
  read(bucket: string, key: string): Promise<Uint8Array>;
  /** Into the artefact bucket; no error when it is there already. */
  write(key: string, content: Uint8Array, sha256: string): Promise<void>;
}

/**
 * Copies a code archive to `code/<sha256>.tar.gz`, once its bytes are proven to have that hash. Nothing is ever
 * deleted: executions that are still open, and definitions that are rolled back to, name the old object.
 */
export async function copyCode(objects: CodeObjects, event: CustomResourceEvent): Promise<CustomResourceAnswer> {
  const { SourceBucket, SourceKey, Sha256 } = event.ResourceProperties;
  if (event.RequestType === 'Delete') return { physicalResourceId: event.PhysicalResourceId ?? 'nothing' };
  if (typeof SourceBucket !== 'string' || typeof SourceKey !== 'string') {
    throw new WfloError('invalid_request', 'SourceBucket and SourceKey must be strings');
  }
  if (typeof Sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(Sha256)) {
    throw new WfloError('invalid_request', `Sha256 is ${JSON.stringify(Sha256)}, and not 64 hex digits`);
  }
  const content = await objects.read(SourceBucket, SourceKey);
  const actual = sha256(content);
  if (actual !== Sha256) {
    throw new WfloError('invalid_request', `s3://${SourceBucket}/${SourceKey} has the hash ${actual}, not ${Sha256}`);
  }
  const key = codeKey(Sha256);
  await objects.write(key, content, Sha256);
  return { physicalResourceId: key };
}
