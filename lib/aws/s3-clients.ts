import { S3Client } from '@aws-sdk/client-s3';

/**
 * The client that only signs URLs. `endpoint` is the host that the URLs carry, where it is not the SDK's own: the host is
 * part of the signature. Path style, because a bucket's own host name of a local endpoint neither resolves nor has a
 * certificate. No checksum of its own: it would land in the query, where nobody checks it.
 */
export function presigningS3Client(endpoint?: string): S3Client {
  return new S3Client({
    requestChecksumCalculation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
}
