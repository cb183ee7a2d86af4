import { WfloError } from '../errors.ts';
import type { Json } from '../json.ts';

/** Parses JSON; throws `malformed_json` that names line and column. `source` says where the text came from. */
export function parseJson(text: string, source: string, fix: string): Json {
  const problem = jsonProblem(text);
  if (problem === undefined) return JSON.parse(text) as Json;
  const before = text.slice(0, problem.offset);
  const line = before.split('\n').length;
  const column = problem.offset - before.lastIndexOf('\n');
  const found =
    problem.offset >= text.length ? 'the text ends' : `found ${JSON.stringify(text.charAt(problem.offset))}`;
  throw new WfloError(
    'malformed_json',
    `${source} is not JSON: line ${line}, column ${column}: expected ${problem.expected}, ${found}`,
    {
      fix,
      details: { line, column, offset: problem.offset },
    },
  );
}

export interface JsonProblem {
  readonly offset: number;
  readonly expected: string;
}

/**
 * The first place where a text stops being JSON (RFC 8259), undefined where it is. Node tells the place in some of
 * its messages only, and in other words in every version.
 */
export function jsonProblem(text: string): JsonProblem | undefined {
  let at = 0;
  const fail = (expected: string, offset = at): never => {
    throw new Stop({ offset, expected });
  };
  const skipSpace = () => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  };
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return false;
    at += match[0].length;
    return true;
  };

  function value(): void {
    skipSpace();
    if (text[at] === '{') list('}', 'a property name in double quotes, or }', member);
    else if (text[at] === '[') list(']', 'a value, or ]', value);
    else if (text[at] === '"') string();
    else if (!take(NUMBER) && !take(WORD)) fail('a value');
    skipSpace();
  }

  function list(close: string, expected: string, item: () => void): void {
    at++;
    skipSpace();
    if (text[at] === close) {
      at++;
      return;
    }
    if (at >= text.length) fail(expected);
    for (;;) {
      item();
      if (text[at] === close) break;
      if (text[at] !== ',') fail(`, or ${close}`);
      at++;
    }
    at++;
  }

  function member(): void {
    skipSpace();
    if (text[at] !== '"') fail('a property name in double quotes');
    string();
    skipSpace();
    if (text[at] !== ':') fail(':');
    at++;
    value();
  }

  function string(): void {
    at++;
    while (take(PLAIN) || take(ESCAPE));
    if (text[at] === '\\') fail('an escape such as \\n or \\u0041', at + 1);
    if (text[at] !== '"') fail('the end of a string, in which control characters are escaped');
    at++;
  }

  try {
    value();
    if (at < text.length) fail('the end');
    return undefined;
  } catch (error) {
    if (error instanceof Stop) return error.problem;
    // Only nesting beyond the stack comes here.
    return { offset: at, expected: 'less nesting' };
  }
}

class Stop extends Error {
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem) {
    super(problem.expected);
    this.problem = problem;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON excludes them from strings
const PLAIN = /[^"\\\u0000-\u001f]+/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
