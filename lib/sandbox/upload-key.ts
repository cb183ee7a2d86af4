import type { LeaseAddress } from './session-token.ts';

/** Object key of an output that is uploaded: one per attempt and content, so that a repeat is the same object. */
export function outputUploadKey(lease: LeaseAddress, sha256: string): string {
  return `uploads/${lease.executionId.replaceAll(':', '/')}/${lease.path}/${lease.attempt}/output-${sha256}.json`;
}
