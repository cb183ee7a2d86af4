export const FORMATS = [
  'openai-chat',
  'openai-responses',
  'openai-embeddings',
  'openai-models',
  'openai-count',
  'anthropic-messages',
  'anthropic-count',
  'anthropic-models',
  'gemini-generate',
  'gemini-count',
  'bedrock-converse',
  'bedrock-invoke',
  'bedrock-count',
] as const;
export type Format = (typeof FORMATS)[number];
export type Provider = 'openai' | 'anthropic' | 'gemini' | 'bedrock';

export type Body = { readonly [key: string]: unknown };

/** A request, read. */
export interface Call {
  readonly format: Format;
  readonly provider: Provider;
  readonly model: string;
  readonly stream: boolean;
  readonly body: Body;
  readonly bodyBytes: number;
  readonly query: URLSearchParams;
  /** Counts calls, so that ids are the same in each run. */
  readonly number: number;
  /** All text of the request, for directives. */
  readonly prompt: string;
  /** Answers of the model that the conversation already holds. */
  readonly answersBefore: number;
  /** The ceiling of the request, for all choices together. */
  readonly maxOutputTokens: number | undefined;
  readonly choices: number;
}

interface Route {
  readonly format: Format;
  readonly provider: Provider;
  readonly model?: string;
  readonly stream: boolean;
}

const GEMINI = /\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/;
const BEDROCK = /\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/;

/** Routes by the end of the path, so that any base URL fits. `stream` of bodies that say it themselves comes later. */
export function routeOf(method: string, path: string, headers: NodeJS.Dict<string | string[]>): Route | undefined {
  if (method === 'GET') {
    if (!/\/models(\/[^/]+)?$/.test(path)) return undefined;
    return headers['anthropic-version'] === undefined
      ? { format: 'openai-models', provider: 'openai', stream: false }
      : { format: 'anthropic-models', provider: 'anthropic', stream: false };
  }
  if (method !== 'POST') return undefined;
  if (path.endsWith('/chat/completions')) return { format: 'openai-chat', provider: 'openai', stream: false };
  if (path.endsWith('/responses/input_tokens')) return { format: 'openai-count', provider: 'openai', stream: false };
  if (path.endsWith('/responses')) return { format: 'openai-responses', provider: 'openai', stream: false };
  if (path.endsWith('/embeddings')) return { format: 'openai-embeddings', provider: 'openai', stream: false };
  if (path.endsWith('/v1/messages/count_tokens')) {
    return { format: 'anthropic-count', provider: 'anthropic', stream: false };
  }
  if (path.endsWith('/v1/messages')) return { format: 'anthropic-messages', provider: 'anthropic', stream: false };
  const gemini = GEMINI.exec(path);
  if (gemini !== null) {
    const [, model = '', verb] = gemini;
    const format = verb === 'countTokens' ? 'gemini-count' : 'gemini-generate';
    return { format, provider: 'gemini', model, stream: verb === 'streamGenerateContent' };
  }
  const bedrock = BEDROCK.exec(path);
  if (bedrock === null) return undefined;
  const [, encoded = '', verb = ''] = bedrock;
  const format = verb.startsWith('converse')
    ? 'bedrock-converse'
    : verb === 'count-tokens'
      ? 'bedrock-count'
      : 'bedrock-invoke';
  return { format, provider: 'bedrock', model: decodeURIComponent(encoded), stream: verb.endsWith('stream') };
}

export function readCall(route: Route, body: Body, bodyBytes: number, query: URLSearchParams, number: number): Call {
  const choices = route.format === 'openai-chat' ? (numberOf(body.n) ?? 1) : candidatesOf(route.format, body);
  const perChoice = ceilingOf(body);
  const messages = conversationOf(body);
  return {
    format: route.format,
    provider: route.provider,
    model: route.model ?? String(body.model ?? ''),
    stream: route.stream || body.stream === true,
    body,
    bodyBytes,
    query,
    number,
    prompt: textsIn(body).join('\n'),
    answersBefore: messages.filter(isAnswer).length,
    maxOutputTokens: perChoice === undefined ? undefined : perChoice * choices,
    choices,
  };
}

function candidatesOf(format: Format, body: Body): number {
  return format === 'gemini-generate' ? (numberOf(record(body.generationConfig).candidateCount) ?? 1) : 1;
}

function ceilingOf(body: Body): number | undefined {
  return (
    numberOf(body.max_completion_tokens) ??
    numberOf(body.max_tokens) ??
    numberOf(body.max_output_tokens) ??
    numberOf(record(body.generationConfig).maxOutputTokens) ??
    numberOf(record(body.inferenceConfig).maxTokens)
  );
}

function conversationOf(body: Body): readonly Body[] {
  const list = body.messages ?? body.contents ?? body.input;
  return Array.isArray(list) ? list.map(record) : [];
}

/** Of the Responses API, a function call is an item of its own, beside the message of the same answer. */
function isAnswer(item: Body, index: number, all: readonly Body[]): boolean {
  const answers = (each: Body | undefined) =>
    each !== undefined &&
    (each.role === 'assistant' || each.role === 'model' || each.type === 'function_call' || each.type === 'reasoning');
  return answers(item) && !answers(all[index - 1]);
}

/** Every `text`, and every `content` that is one. */
function textsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    if (typeof below !== 'string') return textsIn(below);
    return ['text', 'content', 'input', 'system', 'instructions', 'prompt'].includes(key) ? [below] : [];
  });
}

export function record(value: unknown): Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : {};
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
