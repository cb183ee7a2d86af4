import type { LogLine } from '../sandbox/protocol.ts';

/** Limits of PutLogEvents; an event counts its UTF-8 bytes and 26 more. */
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_EVENT_BYTES = 256 * 1024;
const EVENT_OVERHEAD_BYTES = 26;
const MAX_BATCH_SPAN_MS = 24 * 3600 * 1000;
/** Events older than 14 days, or more than 2 hours ahead, would be dropped without an error. */
const MAX_AGE_MS = 13 * 24 * 3600 * 1000;
const MAX_AHEAD_MS = 3600 * 1000;

export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** Ids that stand in every event beside its line. */
export interface LogEventIds {
  readonly executionId: string;
  readonly stepPath: string;
  readonly attempt: number;
}

/**
 * Lines as requests to CloudWatch Logs: in time order, within its limits. A line that is too long becomes several with
 * the same time. A runner whose clock is far off keeps its own time in the message.
 */
export function logBatches(lines: readonly LogLine[], ids: LogEventIds, now: Date): LogEvent[][] {
  const events = lines
    .flatMap((line) => eventsOf(line, ids, now))
    .sort((left, right) => left.timestamp - right.timestamp);
  const batches: LogEvent[][] = [];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    const batch = batches.at(-1);
    if (
      batch === undefined ||
      batch.length === MAX_BATCH_EVENTS ||
      bytes + size > MAX_BATCH_BYTES ||
      event.timestamp - (batch[0]?.timestamp ?? 0) >= MAX_BATCH_SPAN_MS
    ) {
      batches.push([event]);
      bytes = size;
    } else {
      batch.push(event);
      bytes += size;
    }
  }
  return batches;
}

function eventsOf(line: LogLine, ids: LogEventIds, now: Date): LogEvent[] {
  const { at, stream, text } = line;
  const message = JSON.stringify({ at, stream, text, ...ids });
  if (Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES > MAX_EVENT_BYTES && text.length > 1) {
    let half = Math.floor(text.length / 2);
    // Between the two halves of a surrogate pair there is no character boundary.
    if (/[\uD800-\uDBFF]/.test(text.charAt(half - 1))) half += 1;
    return [text.slice(0, half), text.slice(half)].flatMap((part) => eventsOf({ ...line, text: part }, ids, now));
  }
  const [earliest, latest] = [now.getTime() - MAX_AGE_MS, now.getTime() + MAX_AHEAD_MS];
  const time = Date.parse(at);
  return [{ timestamp: Number.isNaN(time) ? now.getTime() : Math.min(Math.max(time, earliest), latest), message }];
}
