import type { LeaseAddress } from './session-token.ts';

/** Object key of an output that is uploaded: one per attempt and content, so that a repeat is the same object. */
export function outputUploadKey(lease: LeaseAddress, sha256: string): string {
  return `uploads/${lease.executionId.replaceAll(':', '/')}/${lease.path}/${lease.attempt}/output-${sha256}.json`;
}

/** Object key of a workspace: one per execution and content. */
export function workspaceKey(executionId: string, sha256: string): string {
  return `workspaces/${executionId.replaceAll(':', '/')}/${sha256}.tar.gz`;
}

/** Object key of an `outcome.json`: one per lease, so that no later attempt finds an earlier one's. */
export function outcomeKey(lease: LeaseAddress, leaseId: string): string {
  return `uploads/${lease.executionId.replaceAll(':', '/')}/${lease.path}/${lease.attempt}/outcome-${leaseId}.json`;
}
