import type { Call } from './call.ts';
import type { Script, ScriptedToolCall } from './script.ts';

/** Tokens in the words of no provider: of the input, the three kinds of cached ones are part. */
export interface Tokens {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  /** Neither read from a cache nor written to one. */
  readonly uncached: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What is answered, before it takes the form of a provider. */
export interface Answer {
  readonly text: string;
  /** The text as it streams. */
  readonly pieces: readonly string[];
  readonly toolCalls: readonly (ScriptedToolCall & { readonly id: string })[];
  readonly tokens: Tokens;
  /** How the usage is told. */
  readonly usage: 'right' | 'none' | 'wrong';
  readonly stop: 'end' | 'length' | 'tools';
  /** Unix seconds, the same in each run. */
  readonly created: number;
}

const WORDS = 'every answer of this provider is written in its script and costs what the script says ';
const DEFAULT_OUTPUT_TOKENS = 24;

export function answerOf(call: Call, script: Script): Answer {
  const toolCalls = (script.toolCalls ?? []).map((tool, index) => ({ ...tool, id: `call_${call.number}_${index}` }));
  const wanted = outputTokensOf(call, script, toolCalls);
  const output = Math.min(wanted, call.maxOutputTokens ?? wanted);
  const silent = toolCalls.length > 0 && script.text === undefined;
  const written = silent ? '' : (script.text ?? wordsOf(output - (script.reasoningTokens ?? 0)));
  const cut = output < wanted;
  const text = cut ? written.slice(0, output * 4) : written;
  return {
    text,
    pieces: piecesOf(text, script.events ?? 5),
    toolCalls,
    tokens: tokensOf(script, call, output),
    usage: script.usage ?? 'right',
    stop: cut || script.exactBound !== undefined ? 'length' : toolCalls.length > 0 ? 'tools' : 'end',
    created: 1_790_000_000 + call.number,
  };
}

function outputTokensOf(call: Call, script: Script, toolCalls: readonly ScriptedToolCall[]): number {
  if (script.exactBound !== undefined) {
    if (call.maxOutputTokens === undefined) throw new Error('exactBound needs a request with a ceiling of its output');
    return call.maxOutputTokens;
  }
  if (script.outputTokens !== undefined) return script.outputTokens;
  const bytes = Buffer.byteLength(JSON.stringify(toolCalls)) + Buffer.byteLength(script.text ?? '');
  return script.text === undefined && toolCalls.length === 0 ? DEFAULT_OUTPUT_TOKENS : Math.ceil(bytes / 4);
}

function tokensOf(script: Script, call: Call, output: number): Tokens {
  const input = script.exactBound ?? script.inputTokens ?? Math.ceil(call.bodyBytes / 4);
  const cacheRead = script.cacheReadTokens ?? 0;
  const cacheWrite = script.cacheWriteTokens ?? 0;
  const cacheWrite1h = script.cacheWrite1hTokens ?? 0;
  const uncached = input - cacheRead - cacheWrite - cacheWrite1h;
  if (uncached < 0) throw new Error(`a script has more cached tokens than its ${input} of input`);
  return { input, cacheRead, cacheWrite, cacheWrite1h, uncached, output, reasoning: script.reasoningTokens ?? 0 };
}

/** Four bytes for each token. */
function wordsOf(tokens: number): string {
  const bytes = Math.max(0, tokens) * 4;
  return WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes);
}

function piecesOf(text: string, count: number): readonly string[] {
  const letters = Array.from(text);
  const size = Math.max(1, Math.ceil(letters.length / Math.max(1, count)));
  const pieces: string[] = [];
  for (let from = 0; from < letters.length; from += size) pieces.push(letters.slice(from, from + size).join(''));
  return pieces;
}
