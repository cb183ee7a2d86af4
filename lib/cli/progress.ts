import type { Report } from '../local-cloud/index.ts';
import type { Output } from './output.ts';
import { durationText } from './times.ts';

/** Phases of a long command as lines on stderr. */
export function progressTo(output: Output): Report {
  return ({ state, text, milliseconds }) => {
    if (state === 'started') output.note(`… ${text}`);
    if (state === 'done')
      output.note(`✓ ${text}${milliseconds === undefined ? '' : ` (${durationText(milliseconds)})`}`);
    if (state === 'skipped') output.note(`- ${text}`);
  };
}
