import { cutTo, widthOf } from './style.ts';

/** A terminal that can be drawn on again. */
export interface Terminal {
  write(text: string): void;
  columns(): number;
  rows(): number;
  /** Returns a function that ends the listening. */
  onResize(listener: () => void): () => void;
}

const CURSOR_HIDE = '\u001b[?25l';
const CURSOR_SHOW = '\u001b[?25h';

/**
 * What is to be written so that `lines` stand where `before` stood. `before` was cut to an older width: on a narrower
 * terminal its lines wrap, and the cursor must go up by as many rows as they take now.
 */
export function redraw(before: readonly string[], lines: readonly string[], columns: number): string {
  const rows = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / Math.max(1, columns))), 0);
  const up = rows === 0 ? '' : `\u001b[${rows}A`;
  return `${up}\r\u001b[J${lines.map((line) => `${line}\n`).join('')}`;
}

/** What scrolled out of the screen cannot be drawn again: of more lines than fit, the last give way to their number. */
function fitting(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows || rows < 2) return lines;
  return [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
}

/** Lines at the end of a terminal that are drawn again in place. */
export interface LiveRegion {
  show(lines: () => readonly string[]): void;
  /** Draws a last time, in full width and length, and leaves it there. */
  end(lines: readonly string[]): void;
  /** Leaves what was drawn last. */
  stop(): void;
}

/** Draws again at every `show`, every second, and when the terminal is resized. */
export function liveRegion(terminal: Terminal, everyMs = 1000): LiveRegion {
  let drawn: readonly string[] = [];
  let current: () => readonly string[] = () => [];
  const draw = () => {
    const columns = terminal.columns();
    const lines = fitting(current(), terminal.rows() - 1).map((line) => cutTo(line, columns));
    terminal.write(redraw(drawn, lines, columns));
    drawn = lines;
  };
  const timer = setInterval(draw, everyMs);
  const stopListening = terminal.onResize(draw);
  terminal.write(CURSOR_HIDE);
  let stopped = false;
  const stop = () => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    stopListening();
    terminal.write(CURSOR_SHOW);
  };
  return {
    show(lines) {
      current = lines;
      draw();
    },
    end(lines) {
      terminal.write(redraw(drawn, lines, terminal.columns()));
      stop();
    },
    stop,
  };
}
