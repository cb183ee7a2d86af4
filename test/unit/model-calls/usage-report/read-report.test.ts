import { describe, expect, it } from 'vitest';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import type { Json, JsonObject } from '../../../../lib/json.ts';
import { anthropicReport } from '../../../../lib/model-calls/usage-report/anthropic-report.ts';
import { openaiReport } from '../../../../lib/model-calls/usage-report/openai-report.ts';
import { type HttpGet, ReportRefused, readReport } from '../../../../lib/model-calls/usage-report/read-report.ts';
import { testPrices } from '../../../_helpers/test-prices.ts';

const models = lookupOf(testPrices());
const price = (provider: 'openai' | 'anthropic', model: string) => {
  const found = models(provider, model);
  if (found === undefined) throw new Error(model);
  return found;
};
const window = { from: new Date('2026-01-09T23:00:00.000Z'), to: new Date('2026-01-11T01:00:00.000Z') };
const [OPENAI_FROM, HOUR] = [window.from.getTime() / 1000, 3600];
const seconds = (hour: number) => ({
  start_time: OPENAI_FROM + hour * HOUR,
  end_time: OPENAI_FROM + (hour + 1) * HOUR,
});

/** As documented: https://platform.openai.com/docs/api-reference/usage/completions_object */
const OPENAI_ROW = {
  object: 'organization.usage.completions.result',
  input_tokens: 1000,
  input_cached_tokens: 200,
  input_cache_write_tokens: 50,
  output_tokens: 500,
  input_audio_tokens: 0,
  output_audio_tokens: 0,
  num_model_requests: 5,
  project_id: null,
  user_id: null,
  api_key_id: null,
  model: 'gpt-5.6-sol',
  batch: false,
  service_tier: 'default',
};
/** As documented: https://platform.claude.com/docs/en/api/admin/usage_report */
const ANTHROPIC_ROW = {
  account_id: null,
  api_key_id: null,
  cache_creation: { ephemeral_1h_input_tokens: 1000, ephemeral_5m_input_tokens: 500 },
  cache_read_input_tokens: 200,
  context_window: null,
  inference_geo: 'global',
  model: 'claude-sonnet-4-20250514',
  output_tokens: 500,
  server_tool_use: { web_search_requests: 10 },
  service_tier: 'standard',
  uncached_input_tokens: 1500,
  workspace_id: null,
};

const openaiPage = (rows: readonly Json[], more: JsonObject = {}): JsonObject => ({
  object: 'page',
  data: [{ object: 'bucket', ...seconds(1), results: rows }],
  has_more: false,
  next_page: null,
  ...more,
});
const anthropicPage = (rows: readonly Json[]): JsonObject => ({
  data: [{ starting_at: '2026-01-10T00:00:00Z', ending_at: '2026-01-10T01:00:00Z', results: rows }],
  has_more: false,
  next_page: null,
});

function readOf(answer: (url: URL) => JsonObject | string | number, own = price('openai', 'gpt-5.1-codex-mini')) {
  const asked: URL[] = [];
  const get: HttpGet = async (url) => {
    asked.push(new URL(url));
    const found = answer(new URL(url));
    if (typeof found === 'number') return { status: found, body: 'sk-admin is not right' };
    return { status: 200, body: typeof found === 'string' ? found : JSON.stringify(found) };
  };
  const report = own.provider === 'openai' ? openaiReport : anthropicReport;
  const access = { baseUrl: 'https://reports.test/base', adminKey: 'sk-admin' };
  return { read: readReport(report, access, { window, price: own, models }, get), asked };
}
const sonnet = price('anthropic', 'claude-sonnet-4-0');

describe('what is read', () => {
  it('of OpenAI: input with its cached tokens, output, by model', async () => {
    const { read, asked } = readOf(() =>
      openaiPage([OPENAI_ROW, { ...OPENAI_ROW, model: 'gpt-4o-2024-08-06', input_cache_write_tokens: 0 }]),
    );
    expect(await read).toEqual([
      { model: 'gpt-5.6-sol', tokens: { input: 750, cacheRead: 200, cacheWrite30m: 50, output: 500 } },
      { model: 'gpt-4o-2024-08-06', tokens: { input: 800, cacheRead: 200, cacheWrite30m: 0, output: 500 } },
    ]);
    expect(asked.map(String)).toEqual([
      'https://reports.test/base/v1/organization/usage/completions?start_time=1767999600&end_time=1768093200&bucket_width=1h&limit=26&group_by=model&group_by=service_tier&group_by=batch',
    ]);
  });

  it('of OpenAI where writes to the cache are not told apart: any of the input may be one', async () => {
    const { input_cache_write_tokens: _, ...row } = OPENAI_ROW;
    const { read } = readOf(() => openaiPage([row, { ...row, model: 'gpt-4o' }]));
    expect(await read).toEqual([
      { model: 'gpt-5.6-sol', tokens: { cacheRead: 200, cacheWrite30m: 800, output: 500 } },
      { model: 'gpt-4o', tokens: { input: 800, cacheRead: 200, cacheWrite30m: 0, output: 500 } },
    ]);
  });

  it('of OpenAI where a model may use tools: these have reports of their own', async () => {
    const { read, asked } = readOf(
      (url) =>
        url.pathname.endsWith('/completions')
          ? openaiPage([])
          : openaiPage([{ num_requests: url.pathname.includes('web') ? 3 : 0, num_model_requests: 9 }]),
      price('openai', 'gpt-5.4'),
    );
    expect(await read).toEqual([
      { model: 'gpt-5.4', tokens: {}, fees: { webSearch: 3 } },
      { model: 'gpt-5.4', tokens: {}, fees: { fileSearch: 0 } },
    ]);
    expect(asked.map(({ pathname }) => pathname.split('/').at(-1))).toEqual([
      'completions',
      'web_search_calls',
      'file_search_calls',
    ]);
  });

  it('of OpenAI for embeddings', async () => {
    const row = { object: 'organization.usage.embeddings.result', input_tokens: 7, model: 'text-embedding-3-small' };
    const { read, asked } = readOf(() => openaiPage([row]), price('openai', 'text-embedding-3-small'));
    expect(await read).toEqual([{ model: 'text-embedding-3-small', tokens: { input: 7 } }]);
    expect(asked.map(({ pathname }) => pathname)).toEqual(['/base/v1/organization/usage/embeddings']);
  });

  it('of Anthropic: each kind of input, output and searches, by model', async () => {
    const { read, asked } = readOf(() => anthropicPage([ANTHROPIC_ROW]), sonnet);
    expect(await read).toEqual([
      {
        model: 'claude-sonnet-4-20250514',
        tokens: { input: 1500, cacheRead: 200, cacheWrite5m: 500, cacheWrite1h: 1000, output: 500 },
        fees: { webSearch: 10 },
      },
    ]);
    expect(Object.fromEntries([...(asked[0]?.searchParams ?? [])].filter(([name]) => name !== 'group_by[]'))).toEqual({
      starting_at: '2026-01-09T23:00:00.000Z',
      ending_at: '2026-01-11T01:00:00.000Z',
      bucket_width: '1h',
      limit: '26',
    });
    expect(asked[0]?.searchParams.getAll('group_by[]')).toEqual(['model', 'service_tier', 'inference_geo']);
  });

  it('page after page', async () => {
    const { read, asked } = readOf((url) => {
      const page = url.searchParams.get('page');
      return openaiPage([OPENAI_ROW], page === 'b' ? {} : { has_more: true, next_page: page === 'a' ? 'b' : 'a' });
    });
    expect(await read).toHaveLength(3);
    expect(asked.map(({ searchParams }) => searchParams.get('page'))).toEqual([null, 'a', 'b']);
  });

  it('and rows of nothing, whatever they name', async () => {
    const nothing = {
      ...OPENAI_ROW,
      input_tokens: 0,
      input_cached_tokens: 0,
      input_cache_write_tokens: 0,
      output_tokens: 0,
    };
    const { read } = readOf(() => openaiPage([{ ...nothing, model: null, service_tier: null }]));
    expect(await read).toEqual([{ model: 'null', tokens: {} }]);
  });
});

describe('what is not trusted', () => {
  it.each<[string, JsonObject | string, RegExp]>([
    ['no JSON', '<html>', /form that is not known/],
    ['another form', { usage: [] }, /form that is not known/],
    ['a bucket without times', openaiPage([], { data: [{ results: [] }] }), /form that is not known/],
    ['a bucket of another time', openaiPage([], { data: [{ ...seconds(26), results: [] }] }), /form that is not known/],
    ['a bucket from before', openaiPage([], { data: [{ ...seconds(-1), results: [] }] }), /form that is not known/],
    ['a bucket without rows', openaiPage([], { data: [seconds(1)] }), /form that is not known/],
    ['rows that are none', openaiPage([7]), /form that is not known/],
    ['more without a page', openaiPage([], { has_more: true, next_page: null }), /cut off/],
    ['no word on whether there is more', openaiPage([], { has_more: null }), /cut off/],
    ['a count that is missing', openaiPage([{ ...OPENAI_ROW, output_tokens: null }]), /missing or no numbers/],
    ['a count that is no number', openaiPage([{ ...OPENAI_ROW, input_tokens: '7' }]), /missing or no numbers/],
    ['a count below zero', openaiPage([{ ...OPENAI_ROW, input_cached_tokens: -1 }]), /missing or no numbers/],
    ['more cached than read', openaiPage([{ ...OPENAI_ROW, input_cached_tokens: 951 }]), /more cached tokens/],
    ['no model', openaiPage([{ ...OPENAI_ROW, model: null }]), /names no model/],
    ['another tier', openaiPage([{ ...OPENAI_ROW, service_tier: 'priority' }]), /the service tier "priority"/],
    ['no tier', openaiPage([{ ...OPENAI_ROW, service_tier: null }]), /the service tier null/],
    ['a batch', openaiPage([{ ...OPENAI_ROW, batch: true }]), /no batch/],
    ['audio', openaiPage([{ ...OPENAI_ROW, output_audio_tokens: 1 }]), /audio or images/],
  ])('of OpenAI: %s', async (_name, page, reason) => {
    expect(await readOf(() => page).read).toMatch(reason);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['no split of cache writes', { ...ANTHROPIC_ROW, cache_creation: null }, /missing or no numbers/],
    ['no output', { ...ANTHROPIC_ROW, output_tokens: null }, /missing or no numbers/],
    ['searches that are no number', { ...ANTHROPIC_ROW, server_tool_use: { web_search_requests: 'x' } }, /no numbers/],
    ['uses of another tool', { ...ANTHROPIC_ROW, server_tool_use: { code_executions: 1 } }, /uses of code_executions/],
    ['no model', { ...ANTHROPIC_ROW, model: null }, /names no model/],
    ['another tier', { ...ANTHROPIC_ROW, service_tier: 'batch' }, /the service tier "batch"/],
    ['another geo', { ...ANTHROPIC_ROW, inference_geo: 'us' }, /the inference geo "us"/],
  ])('of Anthropic: %s', async (_name, row, reason) => {
    expect(await readOf(() => anthropicPage([row]), sonnet).read).toMatch(reason);
  });

  it('of Anthropic: times that are none', async () => {
    const page = { ...anthropicPage([]), data: [{ starting_at: 'noon', ending_at: 'one', results: [] }] };
    expect(await readOf(() => page, sonnet).read).toMatch(/form that is not known/);
  });

  it('a report without end', async () => {
    let page = 0;
    const { read, asked } = readOf(() => openaiPage([], { has_more: true, next_page: String(page++) }));
    expect(await read).toBe('the report is longer than 20 pages');
    expect(asked).toHaveLength(20);
  });

  it('a page that leads to itself', async () => {
    const { read } = readOf(() => openaiPage([], { has_more: true, next_page: 'again' }));
    expect(await read).toBe('the report was cut off');
  });
});

describe('what is refused', () => {
  it.each([
    [429, true],
    [500, true],
    [529, true],
    [401, false],
    [403, false],
    [404, false],
    [302, false],
  ])('with %i: passing %s, and nothing of the answer is said', async (status, passing) => {
    const { read } = readOf(() => status);
    await expect(read).rejects.toMatchObject({
      passing,
      message: `the usage report was answered with status ${status}`,
    });
  });

  it('by no answer: nothing of the request is said', async () => {
    const access = { baseUrl: 'https://reports.test', adminKey: 'sk-admin' };
    const read = readReport(openaiReport, access, { window, price: price('openai', 'o1'), models }, async () => {
      throw new TypeError('fetch failed for sk-admin');
    });
    const error = await read.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReportRefused);
    expect(error).toMatchObject({ passing: true, message: 'the usage report did not come (TypeError)' });
    expect(error).not.toHaveProperty('cause');
  });
});
