import type { Json } from '../json.ts';

/**
 * No token of the providers' tokenisers covers less than one byte of UTF-8, so text has at most as many tokens as bytes.
 * That is about four times too many for prose, and always right; it needs no tokeniser, which would take a minute for
 * 18 KB of joined emoji. O(n).
 */
export function textBytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** What a template may write around a name or an element of JSON: quotes, commas, line breaks, indentation. */
const MEMBER_TOKENS = 8;
/** What it may write before each line of a description, as in a comment, beyond an escaped line feed. */
const LINE_TOKENS = 2;

/**
 * A bound of the tokens of a JSON value (a schema, arguments of a tool), however the provider writes it down. Every
 * character beyond ASCII may be written as `\u1234`: three bytes for one of UTF-8 at most.
 */
export function jsonTokens(value: Json): number {
  if (typeof value === 'string') {
    return textBytes(value) + escapes(value) + 2 * bytesBeyondAscii(value) + LINE_TOKENS * lineFeeds(value);
  }
  if (Array.isArray(value)) {
    let tokens = MEMBER_TOKENS;
    for (const element of value) tokens += MEMBER_TOKENS + jsonTokens(element);
    return tokens;
  }
  if (typeof value === 'object' && value !== null) {
    let tokens = MEMBER_TOKENS;
    for (const name in value) {
      tokens += MEMBER_TOKENS + jsonTokens(name) + jsonTokens((value as { [name: string]: Json })[name] ?? null);
    }
    return tokens;
  }
  return String(value).length;
}

/** Characters that JSON text writes as two or more: a provider may write the value down as JSON. */
function escapes(text: string): number {
  return textBytes(JSON.stringify(text)) - textBytes(text) - 2;
}

function bytesBeyondAscii(text: string): number {
  let ascii = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x80) ascii++;
  return textBytes(text) - ascii;
}

function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** Tokens that a provider's template puts around what a request says. */
export interface TemplateTokens {
  readonly request: number;
  readonly message: number;
  /** Once, where there are tools. */
  readonly tools: number;
  readonly tool: number;
}

export function templateTokens(template: TemplateTokens, messages: number, tools: number): number {
  return template.request + template.message * messages + (tools === 0 ? 0 : template.tools + template.tool * tools);
}
