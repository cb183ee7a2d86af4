import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { FeeClass, Usage } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { dearestOf, pricedOf } from '../priced-classes.ts';
import { priceOfServed } from '../served-model.ts';
import { optionalCount, tokenCount } from '../token-count.ts';
import {
  hoursIn,
  type ReportedUse,
  type ReportQuery,
  type ReportWindow,
  type UsageReport,
  writesText,
} from './report.ts';

/**
 * The usage API of OpenAI, for an admin key: https://platform.openai.com/docs/api-reference/usage, and the types of its
 * client (`src/resources/admin/organization/usage.ts` of openai-node). `input_tokens` are all of the input, those read
 * from a cache and written to one included; `output_tokens` all of the output. A model goes by its dated version
 * (`gpt-5-2025-08-07`), and one day may have several rows of it. How late the report is, is not documented.
 */
export const openaiReport: UsageReport = {
  provider: 'openai',

  headers: (adminKey) => ({ authorization: `Bearer ${adminKey}` }),

  queries(window, price, models, scope) {
    const times = timesAndScope(window, scope);
    if (!writesText(price)) {
      return [{ path: `${ROOT}/embeddings`, query: [...times, ['group_by', 'model']], read: readEmbeddings }];
    }
    const grouped = ['model', 'service_tier', 'batch'].map((name) => ['group_by', name] as const);
    return [
      { path: `${ROOT}/completions`, query: [...times, ...grouped], read: (row) => readCompletions(row, models) },
      ...TOOLS.filter(({ fee }) => price.fees[fee] !== undefined).map(
        ({ path, fee, count }): ReportQuery => ({
          path: `${ROOT}/${path}`,
          query: times,
          read: (row) => readUses(row, price, fee, count),
        }),
      ),
    ];
  },

  timesOf({ start_time: start, end_time: end }) {
    const [from, to] = [tokenCount(start), tokenCount(end)];
    return from === undefined || to === undefined
      ? undefined
      : { from: new Date(from * 1000), to: new Date(to * 1000) };
  },
};

const ROOT = '/v1/organization/usage';

/** What is charged by the use is reported apart from the tokens. */
const TOOLS: readonly { readonly path: string; readonly fee: FeeClass; readonly count: string }[] = [
  { path: 'web_search_calls', fee: 'webSearch', count: 'num_requests' },
  { path: 'file_search_calls', fee: 'fileSearch', count: 'num_requests' },
  { path: 'code_interpreter_sessions', fee: 'codeInterpreter', count: 'num_sessions' },
];

function timesAndScope(window: ReportWindow, scope: string | undefined): readonly (readonly [string, string])[] {
  const seconds = (time: Date) => String(time.getTime() / 1000);
  return [
    ['start_time', seconds(window.from)],
    ['end_time', seconds(window.to)],
    ['bucket_width', '1h'],
    ['limit', String(hoursIn(window))],
    ...(scope === undefined ? [] : [['project_ids', scope] as const]),
  ];
}

function readCompletions(row: JsonObject, models: ModelLookup): ReportedUse | string {
  const input = tokenCount(row.input_tokens);
  const output = tokenCount(row.output_tokens);
  const cached = optionalCount(row.input_cached_tokens);
  const told = row.input_cache_write_tokens;
  const written = optionalCount(told);
  if (input === undefined || output === undefined || cached === undefined || written === undefined) {
    return 'a row has counts that are missing or no numbers';
  }
  if (cached + written > input) return 'a row has more cached tokens than tokens of input';
  if (input + output === 0) return { model: String(row.model), tokens: {} };
  if (typeof row.model !== 'string') return 'a row names no model';
  // Each call was asked for in the standard tier. What was served otherwise has another price.
  if (row.service_tier !== 'default') return `a row has the service tier ${JSON.stringify(row.service_tier ?? null)}`;
  if (row.batch !== false) return 'a row does not say that it is no batch';
  if (OTHER_TOKENS.some((name) => optionalCount(row[name]) !== 0)) return 'a row has tokens of audio or images';
  const price = priceOfServed('openai', row.model, models);
  const writes =
    price === undefined ? undefined : dearestOf(price, pricedOf(price, ['cacheWrite30m', 'cacheWrite12h']));
  const plain = input - cached - written;
  const tokens: Usage['tokens'] =
    writes === undefined
      ? { input: plain, cacheRead: cached, cacheWrite30m: written, output }
      : // Before writes were told apart, any of the input may have been one.
        typeof told === 'number'
        ? { input: plain, cacheRead: cached, [writes]: written, output }
        : { cacheRead: cached, [writes]: plain, output };
  return { model: row.model, tokens };
}

/** Images of the input count as text of it in every price that there is, and their tokens are in `input_tokens`. */
const OTHER_TOKENS = [
  'input_audio_tokens',
  'input_cached_audio_tokens',
  'output_audio_tokens',
  'output_image_tokens',
] as const;

function readEmbeddings(row: JsonObject): ReportedUse | string {
  const input = tokenCount(row.input_tokens);
  if (input === undefined) return 'a row has counts that are missing or no numbers';
  if (input === 0) return { model: String(row.model), tokens: {} };
  return typeof row.model === 'string' ? { model: row.model, tokens: { input } } : 'a row names no model';
}

function readUses(row: JsonObject, { model }: ModelPrice, fee: FeeClass, count: string): ReportedUse | string {
  const uses = tokenCount(row[count]);
  return uses === undefined ? `a row has no ${count}` : { model, tokens: {}, fees: { [fee]: uses } };
}
