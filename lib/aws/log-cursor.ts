import { createHash } from 'node:crypto';
import * as z from 'zod';
import { WfloError } from '../errors.ts';

/**
 * How far behind the newest line that was given out a read looks for late ones: steps of a `parallel` send theirs every
 * 30 seconds, so those of one may arrive after later ones of another.
 */
export const LOOK_BACK_MS = 2 * 60 * 1000;

const position = z.tuple([z.number().int(), z.array(z.string())]);
const cursorShape = z.object({
  /** `startTime` of the query that `token` belongs to. */
  from: z.number().int(),
  /** Continues the query; absent at its end. */
  token: z.string().optional(),
  /** Per log stream: the time of the last line that was given out, and the digests of the ids at that time. */
  seen: z.record(z.string(), position),
});

/** Where a reader of logs is. */
export type LogCursor = z.infer<typeof cursorShape>;

export const LOG_START: LogCursor = { from: 0, seen: {} };

export function encodeLogCursor(cursor: LogCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

export function decodeLogCursor(text: string): LogCursor {
  try {
    return cursorShape.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw new WfloError('invalid_request', `"${text}" is not a log cursor`, {
      fix: 'pass the cursor of the page before, as it was answered',
    });
  }
}

export interface SeenEvent {
  readonly stream: string;
  readonly timestamp: number;
  readonly eventId: string;
}

/** Whether a line was given out before. Within a stream lines arrive in time order. */
export function wasSeen(cursor: LogCursor, event: SeenEvent): boolean {
  const [time, ids] = cursor.seen[event.stream] ?? [-1, []];
  return event.timestamp < time || (event.timestamp === time && ids.includes(digest(event.eventId)));
}

export function markSeen(cursor: LogCursor, event: SeenEvent): LogCursor {
  const [time, ids] = cursor.seen[event.stream] ?? [-1, []];
  if (event.timestamp < time) return cursor;
  const id = digest(event.eventId);
  const at: [number, string[]] = [event.timestamp, event.timestamp === time ? [...ids, id] : [id]];
  return { ...cursor, seen: { ...cursor.seen, [event.stream]: at } };
}

/** The cursor at the end of a query: the next one looks back from the newest line, and streams that ended before are dropped. */
export function atEnd(cursor: LogCursor): LogCursor {
  const newest = Math.max(0, ...Object.values(cursor.seen).map(([time]) => time));
  const from = Math.max(0, newest - LOOK_BACK_MS);
  return { from, seen: Object.fromEntries(Object.entries(cursor.seen).filter(([, [time]]) => time >= from)) };
}

/** Ids have 56 digits, and a cursor travels in a URL. */
function digest(eventId: string): string {
  return createHash('sha256').update(eventId).digest('base64url').slice(0, 8);
}
