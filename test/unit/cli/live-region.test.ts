import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { liveRegion, redraw } from '../../../lib/cli/live-region.ts';
import { coloured, cutTo, styleFor, visible, widthOf } from '../../../lib/cli/style.ts';
import { recordedStream } from './cli-harness.ts';

const ESC = '\u001b';

describe('drawing again', () => {
  it('goes up over what stands there, and clears it', () => {
    expect(redraw([], ['a', 'b'], 80)).toBe(`\r${ESC}[Ja\nb\n`);
    expect(redraw(['a', 'b'], ['c'], 80)).toBe(`${ESC}[2A\r${ESC}[Jc\n`);
  });

  it('counts the rows that old lines take on a terminal that became narrower', () => {
    expect(redraw(['x'.repeat(50), ''], ['c'], 20)).toBe(`${ESC}[4A\r${ESC}[Jc\n`);
    expect(redraw([coloured('red', 'x'.repeat(20))], ['c'], 20)).toBe(`${ESC}[1A\r${ESC}[Jc\n`);
  });
});

describe('a live region', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('draws at once, every second and on a resize, cut to the width', () => {
    const screen = recordedStream(true, 10);
    const region = liveRegion(screen);
    let seconds = 0;
    region.show(() => [`step ${seconds} is running`]);
    expect(screen.text()).toContain('step 0 is…\n');
    seconds = 1;
    vi.advanceTimersByTime(1000);
    expect(screen.text()).toContain('step 1 is…\n');
    screen.resize(8);
    expect(screen.text()).toContain('step 1 …\n');
    region.end(['step 2 has ended']);
    expect(screen.text().endsWith(`step 2 has ended\n${ESC}[?25h`)).toBe(true);
    const after = screen.text();
    vi.advanceTimersByTime(5000);
    screen.resize(80);
    region.stop();
    expect(screen.text()).toBe(after);
  });
});

describe('more lines than the screen has', () => {
  it('are counted while they are drawn, and all shown in the end', () => {
    const screen = recordedStream(true);
    const region = liveRegion(screen);
    const lines = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    region.show(() => lines);
    expect(screen.text().split('\n')).toHaveLength(24);
    expect(screen.text()).toContain('line 21\n… 8 more lines\n');
    region.end(lines);
    expect(screen.text()).toContain(`${ESC}[23A`);
    expect(screen.text()).toContain('line 29\n');
  });
});

describe('lines', () => {
  it('are measured without their colours, and cut with them', () => {
    expect(widthOf(coloured('red', 'abc'))).toBe(3);
    expect(cutTo('abcdef', 6)).toBe('abcdef');
    expect(cutTo('abcdefg', 6)).toBe('abcde…');
    const cut = cutTo(`${coloured('red', 'abcd')}efgh`, 6);
    expect(widthOf(cut)).toBe(6);
    expect(cut.endsWith(`${ESC}[0m`)).toBe(true);
  });

  it('show control characters of agents instead of obeying them', () => {
    expect(visible(`a${ESC}[2Jb\rc\td\u202ee\u009bf`)).toBe('a\\u001b[2Jb\\u000dc\td\\u202ee\\u009bf');
    expect(visible('grün ✓ 日本')).toBe('grün ✓ 日本');
  });
});

describe('colours', () => {
  const red = (terminal: boolean, env: Record<string, string>) => styleFor(terminal, env)('red', 'x') !== 'x';
  it('are for terminals that can show them and people who want them', () => {
    expect(red(true, {})).toBe(true);
    expect(red(false, {})).toBe(false);
    expect(red(true, { NO_COLOR: '1' })).toBe(false);
    expect(red(true, { NO_COLOR: '' })).toBe(true);
    expect(red(true, { TERM: 'dumb' })).toBe(false);
    expect(red(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(red(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});
