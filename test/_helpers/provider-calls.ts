import type { Provider } from '../../lib/budget/price-book.ts';
import type { JsonObject } from '../../lib/json.ts';
import type { WireFormatName } from '../../lib/model-calls/wire-format.ts';

/** One request as a provider's SDK makes it. */
export interface ProviderCall {
  /** `openai-chat stream` */
  readonly name: string;
  readonly format: WireFormatName;
  readonly provider: Provider;
  readonly model: string;
  readonly stream: boolean;
  /** Below the gateway's own address, with its query. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: JsonObject;
}

const TOOL = 'look_up';
const SCHEMA = { type: 'object', properties: { word: { type: 'string' } } };

const CLAUDE = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const NOVA = 'amazon.nova-lite-v1:0';

/** The same question in every wire format, plain and streamed where there are both; each may use a tool. */
export function providerCalls(prompt: string, maxTokens: number, openaiModel = 'scripted-1'): readonly ProviderCall[] {
  const messages = [{ role: 'user', content: prompt }];
  const claudeTools = [{ name: TOOL, description: 'Looks up.', input_schema: SCHEMA }];
  const chat = {
    model: openaiModel,
    messages,
    max_completion_tokens: maxTokens,
    tools: [{ type: 'function', function: { name: TOOL, parameters: SCHEMA } }],
  };
  const responses = {
    model: openaiModel,
    input: prompt,
    max_output_tokens: maxTokens,
    store: false,
    tools: [{ type: 'function', name: TOOL, parameters: SCHEMA, strict: false }],
  };
  const claude = { max_tokens: maxTokens, messages, tools: claudeTools };
  const gemini = {
    contents: [{ role: 'user', parts: [{ text: prompt }] }],
    generationConfig: { maxOutputTokens: maxTokens },
    tools: [
      {
        functionDeclarations: [
          { name: TOOL, parameters: { type: 'OBJECT', properties: { word: { type: 'STRING' } } } },
        ],
      },
    ],
  };
  const converse = {
    messages: [{ role: 'user', content: [{ text: prompt }] }],
    inferenceConfig: { maxTokens },
    toolConfig: { tools: [{ toolSpec: { name: TOOL, inputSchema: { json: SCHEMA } } }] },
  };
  const invoke = { anthropic_version: 'bedrock-2023-05-31', ...claude };
  const bedrock = (model: string, operation: string) => `/model/${encodeURIComponent(model)}/${operation}`;
  return [
    ...both('openai-chat', 'openai', openaiModel, (stream) => ['/v1/chat/completions', { ...chat, stream }]),
    ...both('openai-responses', 'openai', openaiModel, (stream) => ['/v1/responses', { ...responses, stream }]),
    call('openai-embeddings', 'openai', 'text-embedding-3-small', false, '/v1/embeddings', {
      model: 'text-embedding-3-small',
      input: [prompt],
    }),
    ...both('anthropic-messages', 'anthropic', 'claude-sonnet-4-5', (stream) => [
      '/v1/messages',
      { model: 'claude-sonnet-4-5', ...claude, stream },
    ]),
    ...both('gemini-generate', 'gemini', 'gemini-2.5-flash', (stream) => [
      `/v1beta/models/gemini-2.5-flash:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
      gemini,
    ]),
    ...both('bedrock-converse', 'bedrock', NOVA, (stream) => [
      bedrock(NOVA, stream ? 'converse-stream' : 'converse'),
      converse,
    ]),
    ...both('bedrock-converse', 'bedrock', CLAUDE, (stream) => [
      bedrock(CLAUDE, stream ? 'converse-stream' : 'converse'),
      converse,
    ]),
    ...both('bedrock-invoke', 'bedrock', CLAUDE, (stream) => [
      bedrock(CLAUDE, stream ? 'invoke-with-response-stream' : 'invoke'),
      invoke,
    ]),
  ];
}

function both(
  format: WireFormatName,
  provider: Provider,
  model: string,
  asked: (stream: boolean) => readonly [path: string, body: JsonObject],
): readonly ProviderCall[] {
  return [false, true].map((stream) => call(format, provider, model, stream, ...asked(stream)));
}

function call(
  format: WireFormatName,
  provider: Provider,
  model: string,
  stream: boolean,
  path: string,
  body: JsonObject,
): ProviderCall {
  return {
    name: `${format} of ${model}${stream ? ', streamed' : ''}`,
    ...{ format, provider, model, stream, body },
    path: `/models/${provider}${path}`,
    headers: {
      'content-type': 'application/json',
      ...(provider === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {}),
    },
  };
}
