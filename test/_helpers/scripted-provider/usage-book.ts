import type { Tokens } from './answer.ts';
import { type Body, type Call, record } from './call.ts';
import type { WireError } from './wire.ts';

/** One answered call, as the usage report of its provider counts it: also where its connection broke. */
export interface BookedUse {
  readonly list: 'completions' | 'embeddings' | 'messages';
  readonly model: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly tokens: Tokens;
}

/** The project and the workspace of every key. */
export const SCRIPTED_SCOPE = { openai: 'proj_scripted', anthropic: 'wrkspc_scripted' } as const;

const LISTS: { readonly [F in Call['format']]?: BookedUse['list'] } = {
  'openai-chat': 'completions',
  'openai-responses': 'completions',
  'openai-embeddings': 'embeddings',
  'anthropic-messages': 'messages',
};

export function bookedUse(call: Call, model: string, tokens: Tokens, at: number): BookedUse | undefined {
  const list = LISTS[call.format];
  return list === undefined ? undefined : { list, model, at, tokens };
}

export interface ReportRoute {
  readonly provider: 'openai' | 'anthropic';
  readonly list: string;
}

export function reportRouteOf(method: string, path: string): ReportRoute | undefined {
  if (method !== 'GET') return undefined;
  if (path.endsWith('/v1/organizations/usage_report/messages')) return { provider: 'anthropic', list: 'messages' };
  const [, list] = /\/v1\/organization\/usage\/([a-z_]+)$/.exec(path) ?? [];
  return list !== undefined && list in OPENAI ? { provider: 'openai', list } : undefined;
}

/** A page of a report, or why not. */
export function reportOf(
  route: ReportRoute,
  query: URLSearchParams,
  uses: readonly BookedUse[],
): { readonly body: Body } | { readonly error: WireError } {
  try {
    return { body: route.provider === 'openai' ? openaiPage(route.list, query, uses) : anthropicPage(query, uses) };
  } catch (error) {
    return { error: { status: 400, message: error instanceof Error ? error.message : String(error) } };
  }
}

const WIDTHS: Readonly<Record<string, { readonly ms: number; readonly usual: number; readonly most: number }>> = {
  '1m': { ms: 60_000, usual: 60, most: 1440 },
  '1h': { ms: 3_600_000, usual: 24, most: 168 },
  '1d': { ms: 86_400_000, usual: 7, most: 31 },
};

/** The buckets of a page; each begins with the minute, hour or day (UTC). */
function bucketsOf(query: URLSearchParams, from: number, to: number) {
  const width = WIDTHS[query.get('bucket_width') ?? '1d'];
  if (width === undefined) throw new Error('bucket_width is 1m, 1h or 1d');
  const limit = Number(query.get('limit') ?? width.usual);
  if (!Number.isInteger(limit) || limit < 1 || limit > width.most) throw new Error(`limit is 1 to ${width.most}`);
  const page = query.get('page');
  const start = page === null ? Math.floor(from / width.ms) * width.ms : Number(page.replace('page_', ''));
  if (!Number.isFinite(start)) throw new Error('there is no such page');
  const buckets: { readonly from: number; readonly to: number }[] = [];
  let at = start;
  for (; at + width.ms <= to && buckets.length < limit; at += width.ms) buckets.push({ from: at, to: at + width.ms });
  return { buckets, next: at + width.ms <= to ? `page_${at}` : null };
}

function allow(query: URLSearchParams, names: readonly string[]): void {
  for (const name of query.keys()) if (!names.includes(name)) throw new Error(`unknown parameter ${name}`);
}

/** What is not grouped by is null in every row. */
function grouped<T extends BookedUse>(
  uses: readonly T[],
  by: readonly string[],
  dimensions: (use: T) => Body,
): readonly { readonly uses: readonly T[]; readonly dimensions: Body }[] {
  const groups = new Map<string, { uses: T[]; dimensions: Body }>();
  for (const use of uses) {
    const all = dimensions(use);
    for (const name of by) if (!(name in all)) throw new Error(`nothing is grouped by ${name}`);
    const own = Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name, by.includes(name) ? value : null]),
    );
    const key = JSON.stringify(own);
    const group = groups.get(key) ?? { uses: [], dimensions: own };
    group.uses.push(use);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const sum = (uses: readonly BookedUse[], count: (tokens: Tokens) => number) =>
  uses.reduce((total, { tokens }) => total + count(tokens), 0);

const OPENAI: Readonly<Record<string, readonly string[]>> = {
  completions: ['api_key_ids', 'batch', 'models', 'user_ids'],
  embeddings: ['api_key_ids', 'models', 'user_ids'],
  web_search_calls: ['api_key_ids', 'models', 'user_ids', 'context_levels'],
  file_search_calls: ['api_key_ids', 'vector_store_ids', 'user_ids'],
  code_interpreter_sessions: [],
};

function openaiPage(list: string, query: URLSearchParams, all: readonly BookedUse[]): Body {
  const always = ['start_time', 'end_time', 'bucket_width', 'group_by', 'limit', 'page', 'project_ids'];
  allow(query, [...always, ...(OPENAI[list] ?? [])]);
  const start = Number(query.get('start_time') ?? Number.NaN);
  if (!Number.isInteger(start)) throw new Error('start_time is required');
  const { buckets, next } = bucketsOf(query, start * 1000, Number(query.get('end_time') ?? Date.now() / 1000) * 1000);
  const projects = query.getAll('project_ids');
  const mine = projects.length === 0 || projects.includes(SCRIPTED_SCOPE.openai);
  const by = query.getAll('group_by');
  return {
    object: 'page',
    data: buckets.map(({ from, to }) => ({
      object: 'bucket',
      start_time: from / 1000,
      end_time: to / 1000,
      results: grouped(
        all.filter((use) => mine && use.list === list && use.at >= from && use.at < to),
        by,
        ({ model }) => ({
          project_id: SCRIPTED_SCOPE.openai,
          user_id: 'user_scripted',
          api_key_id: 'key_scripted',
          model,
          ...(list === 'completions' ? { batch: false, service_tier: 'default' } : {}),
        }),
      ).map(({ uses, dimensions }) => ({ ...openaiResult(list, uses), ...dimensions })),
    })),
    has_more: next !== null,
    next_page: next,
  };
}

function openaiResult(list: string, uses: readonly BookedUse[]): Body {
  const input = sum(uses, (tokens) => tokens.input);
  const object = `organization.usage.${list}.result`;
  if (list === 'embeddings') return { object, input_tokens: input, num_model_requests: uses.length };
  const cached = sum(uses, ({ cacheRead }) => cacheRead);
  const written = sum(uses, ({ cacheWrite }) => cacheWrite);
  const output = sum(uses, (tokens) => tokens.output);
  return {
    object,
    input_tokens: input,
    input_cached_tokens: cached,
    input_cache_write_tokens: written,
    input_uncached_tokens: input - cached - written,
    input_text_tokens: input - cached - written,
    input_cached_text_tokens: cached,
    input_audio_tokens: 0,
    input_cached_audio_tokens: 0,
    input_image_tokens: 0,
    input_cached_image_tokens: 0,
    output_tokens: output,
    output_text_tokens: output,
    output_audio_tokens: 0,
    output_image_tokens: 0,
    num_model_requests: uses.length,
  };
}

const ANTHROPIC = [
  ...['starting_at', 'ending_at', 'bucket_width', 'limit', 'page', 'group_by[]', 'workspace_ids[]', 'api_key_ids[]'],
  ...['models[]', 'service_tiers[]', 'context_window[]', 'inference_geos[]'],
];

function anthropicPage(query: URLSearchParams, all: readonly BookedUse[]): Body {
  allow(query, ANTHROPIC);
  const start = Date.parse(query.get('starting_at') ?? '');
  if (Number.isNaN(start)) throw new Error('starting_at: Field required');
  const end = query.get('ending_at');
  const { buckets, next } = bucketsOf(query, start, end === null ? Date.now() : Date.parse(end));
  const workspaces = query.getAll('workspace_ids[]');
  const mine = workspaces.length === 0 || workspaces.includes(SCRIPTED_SCOPE.anthropic);
  return {
    data: buckets.map(({ from, to }) => ({
      starting_at: new Date(from).toISOString().replace('.000', ''),
      ending_at: new Date(to).toISOString().replace('.000', ''),
      results: grouped(
        all.filter(({ list, at }) => mine && list === 'messages' && at >= from && at < to),
        query.getAll('group_by[]'),
        ({ model, tokens }) => ({
          account_id: 'account_scripted',
          api_key_id: 'apikey_scripted',
          context_window: tokens.input > 200_000 ? '200k-1M' : '0-200k',
          inference_geo: 'not_available',
          model,
          service_tier: 'standard',
          workspace_id: SCRIPTED_SCOPE.anthropic,
        }),
      ).map(({ uses, dimensions }) => ({
        uncached_input_tokens: sum(uses, ({ uncached }) => uncached),
        cache_creation: {
          ephemeral_1h_input_tokens: sum(uses, ({ cacheWrite1h }) => cacheWrite1h),
          ephemeral_5m_input_tokens: sum(uses, ({ cacheWrite }) => cacheWrite),
        },
        cache_read_input_tokens: sum(uses, ({ cacheRead }) => cacheRead),
        output_tokens: sum(uses, ({ output }) => output),
        server_tool_use: { web_search_requests: 0 },
        ...record(dimensions),
      })),
    })),
    has_more: next !== null,
    next_page: next,
  };
}
