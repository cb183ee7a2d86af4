import { request } from './http-request.ts';
import { isRetryableStatus, Retryable, retry } from './retry.ts';
import type { Timings } from './timings.ts';

/** The ARN of the task that this container belongs to, from the ECS task metadata endpoint, version 4. */
export async function taskArn(metadataUri: string, timings: Timings): Promise<string> {
  return retry(
    async () => {
      const response = await request('task metadata', `${metadataUri}/task`, {}, timings.requestMs);
      if (isRetryableStatus(response.status)) throw new Retryable(`task metadata: status ${response.status}`);
      const body: unknown = await response
        .text()
        .then(JSON.parse)
        .catch(() => undefined);
      const arn = typeof body === 'object' && body !== null && 'TaskARN' in body ? body.TaskARN : undefined;
      if (!response.ok || typeof arn !== 'string') {
        throw new Error(`task metadata: status ${response.status}, and no TaskARN in the answer`);
      }
      return arn;
    },
    { withinMs: timings.fetchMs, backoffMs: timings.backoffMs },
  );
}
