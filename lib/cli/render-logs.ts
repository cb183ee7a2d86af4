import type { StepLogLine } from '../ports.ts';
import { type Style, visible } from './style.ts';
import { clockText } from './times.ts';

/** `14:57:53.120Z plan#1 text`; what is not stdout says so. */
export function logLine(line: StepLogLine, style: Style): string {
  const step = `${line.stepPath}${line.attempt > 1 ? `#${line.attempt}` : ''}`;
  const text = visible(line.text);
  const said = {
    stdout: text,
    stderr: style('red', `stderr: ${text}`),
    runner: style('yellow', `runner: ${text}`),
  }[line.stream];
  return `${style('dim', clockText(line.at))} ${style('cyan', step)} ${said}`;
}
