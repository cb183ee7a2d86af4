import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';
import { type InstalledClients, installNodeClients, installPythonClients } from './install.ts';

const run = promisify(execFile);
let provider: ScriptedProvider;
let installed: Record<'python' | 'node', InstalledClients>;
beforeAll(async () => {
  provider = await ScriptedProvider.start({
    keys: { openai: 'k-openai', anthropic: 'k-anthropic', gemini: 'k-gemini', bedrock: 'k-bedrock' },
  });
  const [python, node] = await Promise.all([installPythonClients(), installNodeClients()]);
  installed = { python, node };
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

/** By script: its API, and whether its usage tells the input without what is cached. */
const CLIENTS = [
  { on: 'python', script: 'openai_chat.py', format: 'openai-chat', cachedApart: false },
  { on: 'python', script: 'openai_responses.py', format: 'openai-responses', cachedApart: false },
  { on: 'python', script: 'anthropic_messages.py', format: 'anthropic-messages', cachedApart: true },
  { on: 'python', script: 'gemini.py', format: 'gemini-generate', cachedApart: false },
  { on: 'python', script: 'bedrock.py', format: 'bedrock-converse', cachedApart: true },
  { on: 'python', script: 'langgraph_agent.py', format: 'openai-chat', cachedApart: false },
  { on: 'node', script: 'openai-chat.mjs', format: 'openai-chat', cachedApart: false },
  { on: 'node', script: 'anthropic-messages.mjs', format: 'anthropic-messages', cachedApart: true },
  { on: 'node', script: 'gemini.mjs', format: 'gemini-generate', cachedApart: false },
  { on: 'node', script: 'ai-sdk.mjs', format: 'openai-chat', cachedApart: false },
  { on: 'node', script: 'bedrock.mjs', format: 'bedrock-converse', cachedApart: true },
] as const;

interface Result {
  readonly text: string;
  readonly toolCalls: readonly unknown[];
  /** Of each call, in the client's own words. */
  readonly usage: readonly Readonly<Record<string, unknown>>[];
}

async function ask(on: 'python' | 'node', script: string, mode: string): Promise<Result> {
  const { program, folder } = installed[on];
  const bedrock: Record<string, string> =
    script === 'bedrock.py'
      ? // boto3 sends no bearer token without TLS: signed with keys that are nobody's.
        { AWS_ACCESS_KEY_ID: 'AKIDSCRIPTED', AWS_SECRET_ACCESS_KEY: 'nobody' }
      : { AWS_BEARER_TOKEN_BEDROCK: 'k-bedrock' };
  const env = {
    PATH: process.env.PATH,
    OPENAI_BASE_URL: `${provider.url}/abc/openai/v1`,
    OPENAI_API_KEY: 'k-openai',
    ANTHROPIC_BASE_URL: `${provider.url}/abc/anthropic`,
    ANTHROPIC_API_KEY: 'k-anthropic',
    GOOGLE_GEMINI_BASE_URL: `${provider.url}/abc/gemini`,
    GEMINI_API_KEY: 'k-gemini',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: `${provider.url}/abc/bedrock`,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    ...bedrock,
  };
  const { stdout } = await run(program, [join(folder, script), mode, 'Hello.'], { env, cwd: folder });
  return JSON.parse(stdout) as Result;
}

/** Input and output tokens of one call, whatever the client calls them. */
function tokensOf(usage: Readonly<Record<string, unknown>> | undefined) {
  const find = (...names: readonly string[]) => names.map((name) => usage?.[name]).find((value) => value !== undefined);
  return {
    input: find('prompt_tokens', 'input_tokens', 'inputTokens', 'prompt_token_count', 'promptTokenCount'),
    output: find(
      'completion_tokens',
      'output_tokens',
      'outputTokens',
      'candidates_token_count',
      'candidatesTokenCount',
    ),
  };
}

const ONCE = { text: 'An answer of the script.', inputTokens: 1000, cacheReadTokens: 300, outputTokens: 12 };

describe('the unmodified clients', () => {
  it('are all of the list', () => {
    const scripts = [...installed.python.scripts, ...installed.node.scripts].sort();
    expect(CLIENTS.map(({ script }) => script as string).sort()).toEqual(scripts);
  });
});

describe.each(CLIENTS)('$on $script', ({ on, script, format, cachedApart }) => {
  it.each(['plain', 'stream'])('gets text and exact usage: %s', async (mode) => {
    provider.script = ONCE;
    const result = await ask(on, script, mode);
    expect(result).toMatchObject({ text: ONCE.text, toolCalls: [] });
    expect(result.usage.map(tokensOf)).toEqual([{ input: cachedApart ? 700 : 1000, output: 12 }]);
    expect(provider.requests.map((request) => request.format)).toEqual([format]);
  });

  it('calls a tool and answers with its result', async () => {
    const call = { name: 'lookup', arguments: { word: 'budget' } };
    provider.script = {
      turns: [
        { toolCalls: [call], inputTokens: 50, outputTokens: 7 },
        { text: 'After it.', inputTokens: 60, outputTokens: 8 },
      ],
    };
    const result = await ask(on, script, 'tool');
    expect(result).toMatchObject({ text: 'After it.', toolCalls: [call] });
    expect(result.usage.map(tokensOf)).toEqual([
      { input: 50, output: 7 },
      { input: 60, output: 8 },
    ]);
    expect(provider.requests.at(-1)?.body).toContain('a word');
  });

  it('does not call again when the gateway refuses for good', async () => {
    provider.script = { status: 402, message: 'budget exhausted', headers: { 'x-should-retry': 'false' } };
    await expect(ask(on, script, 'plain')).rejects.toThrow('budget exhausted');
    expect(provider.requests).toHaveLength(1);
  });
});
