import { isJsonObject } from '../../../lib/json.ts';

export interface ScriptedToolCall {
  readonly name: string;
  readonly arguments: { readonly [name: string]: unknown };
}

/** What the provider does with one model call. Everything is optional: `{}` answers a text. */
export interface Script {
  /** The answer. Where absent: a text of four bytes for each output token. */
  readonly text?: string;
  /** The answer asks for these, after the text where `text` is given. */
  readonly toolCalls?: readonly ScriptedToolCall[];

  /** All tokens of the input, the cached ones too. Where absent: a quarter of the bytes of the body. */
  readonly inputTokens?: number;
  /** Of `inputTokens`. */
  readonly cacheReadTokens?: number;
  /** Of `inputTokens`: written for 5 minutes (OpenAI: without a lifetime). */
  readonly cacheWriteTokens?: number;
  /** Of `inputTokens`: written for an hour. Anthropic and Bedrock. */
  readonly cacheWrite1hTokens?: number;
  /** All tokens of the output, reasoning too, all choices together. Never above what the request allows. */
  readonly outputTokens?: number;
  /** Of `outputTokens`. */
  readonly reasoningTokens?: number;
  /** Uses exactly this much input, as a gateway has bounded it, and exactly as much output as the request allows. */
  readonly exactBound?: number;
  /** `none`: the answer does not say what it used. `wrong`: it says what cannot be. */
  readonly usage?: 'none' | 'wrong';

  /** Number of pieces that the text streams in; 5 where absent. */
  readonly events?: number;
  /** Before the first byte. */
  readonly firstDelayMs?: number;
  /** Before each event of a stream but the first. */
  readonly delayMs?: number;
  /** The connection breaks after so many events; of an answer that is no stream, in the middle of its body. */
  readonly breakAfterEvent?: number;
  /** After so many events nothing more comes, and the connection stays open. */
  readonly silentAfterEvent?: number;
  /** After so many events the stream tells of an error, as this provider does, and ends. */
  readonly errorAfterEvent?: number;
  /** Nothing comes at all, not even headers. */
  readonly silence?: boolean;
  /** Status 200, and a body that nobody can read. */
  readonly garbage?: boolean;

  /** An error of this status in the words of the provider. */
  readonly status?: number;
  readonly message?: string;
  /** Headers of the answer besides its own: `{ "retry-after": "2" }`. */
  readonly headers?: { readonly [name: string]: string };

  /** One script for each turn of a conversation, by the number of answers that it has already. Afterwards: a text. */
  readonly turns?: readonly Script[];
}

const KEYS: Readonly<Record<keyof Script, true>> = {
  text: true,
  toolCalls: true,
  inputTokens: true,
  cacheReadTokens: true,
  cacheWriteTokens: true,
  cacheWrite1hTokens: true,
  outputTokens: true,
  reasoningTokens: true,
  exactBound: true,
  usage: true,
  events: true,
  firstDelayMs: true,
  delayMs: true,
  breakAfterEvent: true,
  silentAfterEvent: true,
  errorAfterEvent: true,
  silence: true,
  garbage: true,
  status: true,
  message: true,
  headers: true,
  turns: true,
};

/** Throws for what is no script, so that a misspelt one does not pass as an empty one. */
export function parseScript(value: unknown): Script {
  if (!isJsonObject(value)) throw new Error(`a script is an object, and this is ${JSON.stringify(value)}`);
  for (const key of Object.keys(value)) if (!(key in KEYS)) throw new Error(`a script has no "${key}"`);
  if (Array.isArray(value.turns)) value.turns.forEach(parseScript);
  return value as Script;
}

const DIRECTIVE = /^#wflo (\{.*\})\s*$/m;

/** The script in a prompt: its first line that begins with `#wflo `. */
export function scriptInPrompt(prompt: string): Script | undefined {
  const found = DIRECTIVE.exec(prompt)?.[1];
  return found === undefined ? undefined : parseScript(JSON.parse(found));
}

/**
 * The script of the present turn. Tool calls without `turns` are asked for once: an agent that was given them gets a
 * text next.
 */
export function scriptOfTurn(script: Script, answersBefore: number): Script {
  if (script.turns !== undefined) return script.turns[answersBefore] ?? {};
  if (script.toolCalls === undefined || answersBefore === 0) return script;
  const { toolCalls: _, ...rest } = script;
  return rest;
}
