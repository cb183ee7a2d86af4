import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  type FilteredLogEvent,
  FilterLogEventsCommand,
  type FilterLogEventsCommandOutput,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { parseExecutionId } from '../execution/identity.ts';
import type { Clock, StepLogLine, StepLogs } from '../ports.ts';
import { type LogEvent, logBatches } from './log-batches.ts';
import { atEnd, decodeLogCursor, encodeLogCursor, LOG_START, type LogCursor, markSeen, wasSeen } from './log-cursor.ts';

/** After this many requests the caller gets what was found. A page is empty only at the end: CloudWatch's own may be empty before. */
const MAX_REQUESTS = 20;
/** Nor is there another request after this much text. A request brings 1 MB at most, and a Lambda answers 6 MB, where all of it is escaped once more. */
const ENOUGH_BYTES = 1024 * 1024;
/** Limit of FilterLogEvents. */
const MAX_PAGE = 10_000;

const stepLogLine = z.object({
  at: z.string(),
  stream: z.enum(['stdout', 'stderr', 'runner']),
  text: z.string(),
  executionId: z.string(),
  stepPath: z.string(),
  attempt: z.number().int(),
});

export interface CloudWatchStepLogsOptions {
  readonly client: CloudWatchLogsClient;
  readonly logGroup: string;
  readonly clock: Clock;
}

/** One stream `<workflow>/<execution name>/<path>/<attempt>` per attempt. A repeated write is there twice. */
export function cloudWatchStepLogs(options: CloudWatchStepLogsOptions): StepLogs {
  const { client, logGroup: logGroupName, clock } = options;

  async function put(logStreamName: string, logEvents: LogEvent[]): Promise<void> {
    const command = new PutLogEventsCommand({ logGroupName, logStreamName, logEvents });
    try {
      await client.send(command);
    } catch (error) {
      if (!isNamed(error, 'ResourceNotFoundException')) throw error;
      await createStream(logStreamName);
      await client.send(command);
    }
  }

  async function createStream(logStreamName: string): Promise<void> {
    try {
      await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    } catch (error) {
      if (!isNamed(error, 'ResourceAlreadyExistsException')) throw error;
    }
  }

  function query(
    executionId: string,
    prefix: string,
    cursor: LogCursor,
    limit: number,
  ): Promise<FilterLogEventsCommandOutput> {
    const command = (token: string | undefined) =>
      new FilterLogEventsCommand({
        logGroupName,
        logStreamNamePrefix: prefix,
        // Every message has the id in it. The local AWS does not know the prefix, but this.
        filterPattern: `"${executionId}"`,
        limit,
        startTime: cursor.from,
        ...(token === undefined ? {} : { nextToken: token }),
      });
    return client.send(command(cursor.token)).catch((error: unknown) => {
      // A token lives for 24 hours. Without it the query starts anew, and what was given out is skipped.
      if (cursor.token === undefined || !isNamed(error, 'InvalidParameterException')) throw error;
      return client.send(command(undefined));
    });
  }

  return {
    async write(executionId, stepPath, attempt, lines) {
      const name = `${streamPrefix(executionId)}${stepPath}/${attempt}`;
      for (const batch of logBatches(lines, { executionId, stepPath, attempt }, clock.now())) await put(name, batch);
    },

    async read(executionId, { stepPath, cursor: text, limit }) {
      const prefix = streamPrefix(executionId) + (stepPath === undefined ? '' : `${stepPath}/`);
      let cursor = text === undefined ? LOG_START : decodeLogCursor(text);
      const items: StepLogLine[] = [];
      // Raised where a page brought nothing new and no step ahead.
      let atLeast = 1;
      let bytes = 0;
      const goesOn = (requests: number) =>
        items.length < limit && (items.length === 0 || (requests < MAX_REQUESTS && bytes < ENOUGH_BYTES));
      for (let requests = 0; goesOn(requests); requests += 1) {
        const ask = Math.min(Math.max(limit - items.length, atLeast), MAX_PAGE);
        const { events = [], nextToken } = await query(executionId, prefix, cursor, ask);
        let news = false;
        // How far this page was taken: to its end, or to the line that filled the answer.
        let taken = cursor.from;
        let whole = true;
        for (const event of events) {
          const { logStreamName: stream = '', timestamp = 0, eventId = '' } = event;
          if (items.length === limit) {
            whole = false;
            break;
          }
          taken = Math.max(taken, timestamp);
          if (!stream.startsWith(prefix) || wasSeen(cursor, { stream, timestamp, eventId })) continue;
          news = true;
          cursor = markSeen(cursor, { stream, timestamp, eventId });
          bytes += Buffer.byteLength(event.message ?? '');
          const line = lineOf(event);
          // The prefix `crew/` also finds the streams of `crew/write`.
          if (line !== undefined && (stepPath === undefined || line.stepPath === stepPath)) items.push(line);
        }
        if (whole && nextToken !== undefined) {
          cursor = { ...cursor, token: nextToken };
        } else if (whole && (events.length < ask || (!news && taken === cursor.from && ask === MAX_PAGE))) {
          cursor = atEnd(cursor);
          break;
        } else {
          // A full page and no token: the end on AWS, but the local AWS never gives one. Go on from where the page was
          // taken to; where that is no step ahead, with a larger page.
          atLeast = news || taken > cursor.from ? 1 : ask * 2;
          cursor = { from: taken, seen: cursor.seen };
        }
      }
      return { items, cursor: encodeLogCursor(cursor) };
    },
  };
}

function streamPrefix(executionId: string): string {
  const { workflow, name } = parseExecutionId(executionId);
  return `${workflow}/${name}/`;
}

/** Undefined for what others wrote into the group. */
function lineOf(event: FilteredLogEvent): StepLogLine | undefined {
  try {
    return stepLogLine.parse(JSON.parse(event.message ?? ''));
  } catch {
    return undefined;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
