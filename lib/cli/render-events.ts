import type { ChainRecord } from '../audit/events.ts';
import type { Actor } from '../execution/records.ts';
import type { Json } from '../json.ts';
import { cutTo, type Style, visible } from './style.ts';
import { table } from './table.ts';

/** The chain in its order, one record a line, cut to the terminal where there is one. */
export function eventLines(records: readonly ChainRecord[], columns: number | undefined, style: Style): string[] {
  if (records.length === 0) return ['no events yet'];
  const lines = table([
    ['SEQ', 'TIME', 'EVENT', 'STEP', 'ACTOR', 'DATA'].map((title) => style('dim', title)),
    ...records.map(({ seq, event }) => [
      String(seq),
      event.timestamp,
      event.eventType,
      event.stepPath === undefined ? '' : `${event.stepPath}${event.attempt === undefined ? '' : `#${event.attempt}`}`,
      visible(actorText(event.actor)),
      visible(Object.entries(event.data).map(fieldText).join(' ')),
    ]),
  ]);
  return columns === undefined ? lines : lines.map((line) => cutTo(line, columns));
}

/** The system by its door; an ARN without service, region and account, which are the same for all. */
function actorText({ type, id, via }: Actor): string {
  if (type === 'system') return via;
  return id.startsWith('arn:') ? id.split(':').slice(5).join(':') : id;
}

function fieldText([name, value]: [string, Json]): string {
  return `${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
}
