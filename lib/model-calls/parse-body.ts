import { isJsonObject, type JsonObject } from '../json.ts';
import { malformedJson } from './refusals.ts';
import { CallRefused } from './wire-format.ts';

/** Deeper than any request or schema that a provider takes, and far from any stack's end. */
const MAX_DEPTH = 128;
/** Python reads a number of a million digits as it stands, and would show all of them to a model; JavaScript keeps 17. */
const MAX_NUMBER_LENGTH = 64;

/**
 * The JSON object of a body, strictly: UTF-8 without a wrong byte, at most 128 levels, no name twice in one object, no
 * number of more than 64 characters.
 * Readers differ in which of two equal names they take, so what is priced here could be read otherwise by a provider.
 * O(n). Throws `CallRefused` with `malformed_json`.
 */
export function parseBody(body: Uint8Array): JsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new CallRefused(malformedJson('it has bytes that are not UTF-8'));
  }
  if (text.trim() === '') throw new CallRefused(malformedJson('it is empty'));
  // First, since `JSON.parse` takes a second for what only nests.
  checkStructure(text);
  const value = parse(text);
  if (!isJsonObject(value)) throw new CallRefused(malformedJson('it is not an object'));
  return value;
}

/** The parser's own message quotes the body, so it is not told. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallRefused(malformedJson('it is malformed'));
  }
}

/** Each object that is open has its set of names; an array has none. Whatever else is wrong is for the parser to find. */
function checkStructure(text: string): void {
  const open: (Set<unknown> | undefined)[] = [];
  let numberLength = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    numberLength = isOfNumber(char) ? numberLength + 1 : 0;
    if (numberLength > MAX_NUMBER_LENGTH) {
      throw new CallRefused(malformedJson(`it has a number of more than ${MAX_NUMBER_LENGTH} characters`));
    }
    switch (char) {
      case 0x7b /* { */:
      case 0x5b /* [ */:
        if (open.length === MAX_DEPTH) throw new CallRefused(malformedJson(`it nests deeper than ${MAX_DEPTH} levels`));
        open.push(char === 0x7b ? new Set() : undefined);
        break;
      case 0x7d /* } */:
      case 0x5d /* ] */:
        open.pop();
        break;
      case 0x22 /* " */:
        {
          const end = stringEnd(text, at);
          const names = open.at(-1);
          if (names !== undefined && isName(text, end)) {
            const raw = text.slice(at, end + 1);
            const name = raw.includes('\\') ? parse(raw) : raw.slice(1, -1);
            if (names.has(name)) throw new CallRefused(malformedJson(`it has ${quoted(name)} twice in one object`));
            names.add(name);
          }
          at = end;
          break;
        }
    }
  }
}

/** A digit, a sign, a point or an exponent. */
function isOfNumber(char: number): boolean {
  return (char >= 0x30 && char <= 0x39) || char === 0x2b || char === 0x2d || char === 0x2e || (char | 0x20) === 0x65;
}

/** Index of the quote that closes the string that opens at `from`. */
function stringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === 0x5c /* \ */) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
  return text.length;
}

/** In an object, a string is a name where a colon comes next. */
function isName(text: string, end: number): boolean {
  let next = end + 1;
  while (text.charCodeAt(next) <= 0x20) next++;
  return text.charCodeAt(next) === 0x3a /* : */;
}

function quoted(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 100));
}
