import type { Json } from '../json.ts';

/**
 * The body with one member set: in the object that `path` leads to (made where it is missing), whose last part is the
 * name. Everything else stays byte for byte as it came: JavaScript's numbers do not hold every number of JSON, and what an
 * agent says must reach its provider unchanged. `body` is JSON that `parseBody` has accepted, and every member on the way
 * is an object, null or missing. O(n).
 */
export function setMember(body: Uint8Array, path: readonly string[], value: Json): Uint8Array {
  const text = new TextDecoder().decode(body);
  return new TextEncoder().encode(setIn(text, skipSpace(text, 0), path, value));
}

/** `at` is the opening brace of the object. */
function setIn(text: string, at: number, path: readonly string[], value: Json): string {
  const [name = '', ...rest] = path;
  const found = member(text, at, name);
  if (found === undefined) {
    const empty = text.charCodeAt(skipSpace(text, at + 1)) === CLOSE;
    const inserted = `${JSON.stringify(name)}:${JSON.stringify(nested(rest, value))}${empty ? '' : ','}`;
    return text.slice(0, at + 1) + inserted + text.slice(at + 1);
  }
  if (rest.length > 0 && text.charCodeAt(found.from) === OPEN) return setIn(text, found.from, rest, value);
  return text.slice(0, found.from) + JSON.stringify(nested(rest, value)) + text.slice(found.to);
}

function nested(path: readonly string[], value: Json): Json {
  return path.reduceRight<Json>((inner, name) => ({ [name]: inner }), value);
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;

/** Where the value of a member of the object at `at` stands. */
function member(text: string, at: number, name: string): { readonly from: number; readonly to: number } | undefined {
  let next = skipSpace(text, at + 1);
  while (text.charCodeAt(next) === QUOTE) {
    const nameEnd = stringEnd(text, next) + 1;
    const found = JSON.parse(text.slice(next, nameEnd)) === name;
    const from = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const to = valueEnd(text, from);
    if (found) return { from, to };
    // Behind the comma; behind the brace there is no further name.
    next = skipSpace(text, skipSpace(text, to) + 1);
  }
  return undefined;
}

/** The index behind the value that begins at `from`. */
function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = stringEnd(text, at);
    else if (char === OPEN || char === 0x5b /* [ */) depth++;
    else if (char === CLOSE || char === 0x5d /* ] */) {
      if (depth === 0) return at;
      depth--;
    } else if (char === 0x2c /* , */ && depth === 0) return at;
  }
  return text.length;
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

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}
