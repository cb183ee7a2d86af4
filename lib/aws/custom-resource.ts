import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** What CloudFormation sends to the function behind a custom resource. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Presigned URL that takes the answer. */
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  /** All values are strings. */
  readonly ResourceProperties: { readonly [name: string]: unknown };
}

/** Physical id of what was made; another one than before makes CloudFormation delete the old. */
export interface CustomResourceAnswer {
  readonly physicalResourceId: string;
}

/** Longest reason: the whole answer may have 4 KiB. */
const MAX_REASON = 1000;

/**
 * A handler for a custom resource. CloudFormation waits an hour for an answer that does not come, so a failure is an
 * answer too, and only a failure to answer throws (Lambda then calls again).
 */
export function customResource(
  apply: (event: CustomResourceEvent) => Promise<CustomResourceAnswer>,
  put: (url: string, body: string) => Promise<void> = putText,
): (event: CustomResourceEvent) => Promise<void> {
  return async (event) => {
    const { StackId, RequestId, LogicalResourceId } = event;
    const answer = { StackId, RequestId, LogicalResourceId };
    let result: object;
    try {
      result = { ...answer, Status: 'SUCCESS', PhysicalResourceId: (await apply(event)).physicalResourceId };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      result = {
        ...answer,
        Status: 'FAILED',
        Reason: reason.slice(0, MAX_REASON),
        // A failed Create has made nothing; CloudFormation then asks to delete this.
        PhysicalResourceId: event.PhysicalResourceId ?? `${LogicalResourceId}-failed`,
      };
    }
    await put(event.ResponseURL, JSON.stringify(result));
  };
}

function putText(url: string, body: string): Promise<void> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // The URL is signed without a content type.
    const call = request(url, {
      method: 'PUT',
      headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) resolve();
      else reject(new Error(`CloudFormation answered ${status} to the result of a custom resource`));
    });
    call.end(body);
  });
}
