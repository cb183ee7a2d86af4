import { type CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { JsonObject } from '../json.ts';
import { markedRecord, readInvocationRecord } from '../model-calls/bedrock/invocation-record.ts';
import type { ProviderRecords } from '../ports.ts';

/** A call ends within the time of a function after its hold was made, and its record comes soon after. */
const BEFORE_MS = 60_000;
const AFTER_MS = 20 * 60_000;
/** CloudWatch answers what it found in a part of the window: a busy log has more parts than anybody waits for. */
const MAX_REQUESTS = 50;

/**
 * Bedrock's log of model invocations in CloudWatch Logs, which the owner of the account sets up for a region. The gateway
 * marks each call with the id of its hold (`lib/model-calls/bedrock/call-mark.ts`); the record of the call repeats it.
 */
export function bedrockInvocationLogs(options: {
  readonly client: CloudWatchLogsClient;
  readonly logGroup: string;
}): ProviderRecords {
  const { client, logGroup: logGroupName } = options;
  return {
    async usageOf({ holdId, createdAt }, price) {
      const from = Date.parse(createdAt);
      const found: JsonObject[] = [];
      let nextToken: string | undefined;
      let requests = 0;
      do {
        if (requests === MAX_REQUESTS) {
          return { kind: 'unclear', reason: `the log of that time is longer than ${MAX_REQUESTS} pages` };
        }
        const page = await client.send(
          new FilterLogEventsCommand({
            logGroupName,
            startTime: from - BEFORE_MS,
            endTime: from + AFTER_MS,
            filterPattern: `"${holdId}"`,
            ...(nextToken === undefined ? {} : { nextToken }),
          }),
        );
        for (const { message = '' } of page.events ?? []) {
          const record = markedRecord(message, holdId);
          // CloudWatch may deliver the same record twice.
          if (record !== undefined && !found.some(({ requestId }) => requestId === record.requestId))
            found.push(record);
        }
        nextToken = page.nextToken;
        requests += 1;
      } while (nextToken !== undefined);

      const [record, ...others] = found;
      if (record === undefined) return undefined;
      if (others.length > 0)
        return { kind: 'unclear', reason: `${found.length} invocations carry the id of this call` };
      const read = readInvocationRecord(record, price);
      return read.kind === 'reported'
        ? { kind: 'used', usage: read.usage, raw: read.raw }
        : { kind: 'unclear', reason: read.reason };
    },
  };
}
