import type { ChainRecord, WfloEvent } from '../audit/events.ts';
import type { Actor } from '../execution/records.ts';
import type { Json } from '../json.ts';
import { eventText } from './event-text.ts';
import { shortIdentity } from './render-people.ts';
import { cutTo, type Style, visible } from './style.ts';
import { table } from './table.ts';
import { clockText } from './times.ts';

/**
 * The chain in its order, one record a line. On a terminal it is made to fit: times without the day, hashes and names
 * of tasks abridged, and then cut. Whoever pipes it gets all of it.
 */
export function eventLines(records: readonly ChainRecord[], columns: number | undefined, style: Style): string[] {
  if (records.length === 0) return ['no events yet'];
  const whole = columns === undefined;
  const lines = table([
    ['SEQ', 'TIME', 'EVENT', 'STEP', 'ACTOR', 'DATA'].map((title) => style('dim', title)),
    ...records.map(({ seq, event }) => [
      String(seq),
      whole ? event.timestamp : clockText(event.timestamp),
      event.eventType,
      event.stepPath === undefined ? '' : `${event.stepPath}${event.attempt === undefined ? '' : `#${event.attempt}`}`,
      visible(whole ? actorText(event.actor) : abridged(actorText(event.actor))),
      visible(dataText(event, whole)),
    ]),
  ]);
  return columns === undefined ? lines : lines.map((line) => cutTo(line, columns));
}

/** The system by its door; an ARN without service, region and account, which are the same for all. */
function actorText({ type, id, via }: Actor): string {
  if (type === 'system') return via;
  return shortIdentity(id);
}

function dataText({ eventType, data }: WfloEvent, whole: boolean): string {
  const sentence = eventText(eventType, data);
  if (sentence !== undefined) return whole ? sentence : abridged(sentence);
  return Object.entries(data)
    .map((field) => fieldText(field, whole))
    .join(' ');
}

function fieldText([name, value]: [string, Json], whole: boolean): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return `${name}=${whole ? text : abridged(text)}`;
}

/** Twelve characters of a hash and eight of a task tell them apart in one execution. */
function abridged(text: string): string {
  return text
    .replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…')
    .replace(/(?:\barn:[^\s"]*:)?\btask\/[\w-]+\/([0-9a-f]{8})[0-9a-f-]+/g, 'task/$1…');
}
