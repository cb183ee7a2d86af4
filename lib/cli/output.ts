import { type ErrorData, toErrorData } from '../errors.ts';
import { type LiveRegion, liveRegion, type Terminal } from './live-region.ts';
import { type Style, styleFor, visible } from './style.ts';

/** A standard stream. */
export interface OutputStream extends Terminal {
  readonly isTerminal: boolean;
}

/** The one way to the user. Results go to stdout, everything else to stderr. */
export interface Output {
  readonly format: 'text' | 'json';
  /** For text on stdout. */
  readonly style: Style;
  /** Columns of the terminal on stdout; undefined where it is none. */
  readonly columns: number | undefined;
  /** The one result of a command: one JSON document, or the lines. */
  result(value: unknown, lines: () => readonly string[]): void;
  /** One of many results that come one after the other: one line of JSON each, or the lines. */
  record(value: unknown, lines: () => readonly string[]): void;
  /** Something for people to know beside the result: on stderr, and only where text was asked for. */
  note(text: string): void;
  error(error: unknown): void;
  /** Undefined where stdout is no terminal that can be drawn on, or JSON was asked for. */
  live(): LiveRegion | undefined;
}

export interface OutputOptions {
  readonly format: 'text' | 'json';
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: { readonly [name: string]: string | undefined };
}

export function createOutput({ format, stdout, stderr, env }: OutputOptions): Output {
  const style = styleFor(stdout.isTerminal, env);
  const errorStyle = styleFor(stderr.isTerminal, env);
  const lines = (texts: readonly string[]) => stdout.write(texts.map((text) => `${text}\n`).join(''));
  return {
    format,
    style,
    columns: stdout.isTerminal ? stdout.columns() : undefined,
    result: (value, text) => (format === 'json' ? stdout.write(`${JSON.stringify(value, null, 2)}\n`) : lines(text())),
    record: (value, text) => (format === 'json' ? stdout.write(`${JSON.stringify(value)}\n`) : lines(text())),
    note(text) {
      if (format === 'text') stderr.write(`${errorStyle('dim', text)}\n`);
    },
    error(error) {
      const data = toErrorData(error);
      if (format === 'json') stderr.write(`${JSON.stringify({ error: data }, null, 2)}\n`);
      else
        stderr.write(
          errorLines(data, errorStyle)
            .map((line) => `${line}\n`)
            .join(''),
        );
    },
    live: () => (format === 'text' && stdout.isTerminal && env.TERM !== 'dumb' ? liveRegion(stdout) : undefined),
  };
}

/** `error <code>: <message>`, the problems one a line where there are several, and the fix. */
export function errorLines(error: ErrorData, style: Style): string[] {
  const [first = '', ...rest] = error.message.split('\n');
  const problems = problemsOf(error.details);
  // The message of a validation error lists its problems in one line, which is hard to read.
  const message = problems.length > 1 ? (first.split(': ')[0] ?? first) : first;
  return [
    `${style('red', `error ${error.code}`)}: ${visible(message)}`,
    ...rest.map((line) => `  ${visible(line)}`),
    ...(problems.length > 1 ? problems.map((problem) => `  ${visible(problem)}`) : []),
    ...(error.fix === undefined ? [] : [`${style('bold', 'fix')}: ${visible(error.fix)}`]),
  ];
}

/** `details.problems` of `invalid_input`, as lines. */
function problemsOf(details: unknown): string[] {
  const problems = (details as { readonly problems?: unknown } | null | undefined)?.problems;
  if (!Array.isArray(problems)) return [];
  return problems.map((problem: unknown) => {
    if (typeof problem === 'string') return problem;
    const { pointer, reason } = problem as { readonly pointer?: unknown; readonly reason?: unknown };
    return `${pointer === '' || pointer === undefined ? '(the whole value)' : String(pointer)} ${String(reason)}`;
  });
}
