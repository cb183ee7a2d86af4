export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Wraps text in a colour, or leaves it as it is. */
export type Style = (colour: Colour, text: string) => string;

const SGR: { readonly [C in Colour]: readonly [number, number] } = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const plain: Style = (_, text) => text;
export const coloured: Style = (colour, text) => `\u001b[${SGR[colour][0]}m${text}\u001b[${SGR[colour][1]}m`;

/** NO_COLOR (no-color.org) wins; FORCE_COLOR colours also what is piped. */
export function styleFor(isTerminal: boolean, env: { readonly [name: string]: string | undefined }): Style {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return plain;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0') return coloured;
  return isTerminal && env.TERM !== 'dumb' ? coloured : plain;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
const SGR_SEQUENCE = /\u001b\[[0-9;]*m/g;
const SGR_SPLIT = new RegExp(`(${SGR_SEQUENCE.source})`);

/** Columns that a line takes; our lines hold no wide characters besides what agents and users wrote. */
export function widthOf(line: string): number {
  return [...line.replace(SGR_SEQUENCE, '')].length;
}

/** Cuts a line to a width, colours kept whole and closed. */
export function cutTo(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let width = 0;
  let cut = '';
  let coloursSeen = false;
  for (const part of line.split(SGR_SPLIT)) {
    if (part.startsWith('\u001b[')) {
      coloursSeen = true;
      cut += part;
      continue;
    }
    const room = Math.max(0, columns - 1 - width);
    const chars = [...part];
    cut += chars.slice(0, room).join('');
    width += Math.min(room, chars.length);
    if (chars.length > room) break;
  }
  return `${cut}…${coloursSeen ? '\u001b[0m' : ''}`;
}

/**
 * Text of agents and users, harmless on a terminal: a control character could move the cursor, set the title or hide
 * what was printed. Tabs stay; lines must have been split before.
 */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
