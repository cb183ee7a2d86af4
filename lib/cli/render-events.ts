import type { ChainRecord } from '../audit/events.ts';
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
      visible(event.actor.type === 'system' ? event.actor.via : event.actor.id),
      visible(Object.entries(event.data).map(fieldText).join(' ')),
    ]),
  ]);
  return columns === undefined ? lines : lines.map((line) => cutTo(line, columns));
}

function fieldText([name, value]: [string, Json]): string {
  return `${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
}
