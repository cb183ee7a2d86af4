import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { optionalCount, tokenCount } from '../token-count.ts';
import { hoursIn, type ReportedUse, type UsageReport } from './report.ts';

/**
 * The usage report of Anthropic, for an admin key: https://platform.claude.com/docs/en/api/admin/usage_report. A row has
 * what was neither read from a cache nor written to one (`uncached_input_tokens`), and the rest beside it. Data
 * "typically appears within 5 minutes of API request completion, though delays may occasionally be longer"
 * (https://platform.claude.com/docs/en/manage-claude/usage-cost-api). What runs in the default workspace has no
 * workspace id, so it can be asked for with the whole organisation alone.
 */
export const anthropicReport: UsageReport = {
  provider: 'anthropic',

  headers: (adminKey) => ({ 'x-api-key': adminKey, 'anthropic-version': '2023-06-01' }),

  queries(window, _price, _models, scope) {
    return [
      {
        path: '/v1/organizations/usage_report/messages',
        query: [
          ['starting_at', window.from.toISOString()],
          ['ending_at', window.to.toISOString()],
          ['bucket_width', '1h'],
          ['limit', String(hoursIn(window))],
          ...['model', 'service_tier', 'inference_geo'].map((name) => ['group_by[]', name] as const),
          ...(scope === undefined ? [] : [['workspace_ids[]', scope] as const]),
        ],
        read: readRow,
      },
    ];
  },

  timesOf({ starting_at: start, ending_at: end }) {
    const [from, to] = [timeOf(start), timeOf(end)];
    return from === undefined || to === undefined ? undefined : { from, to };
  },
};

function readRow(row: JsonObject): ReportedUse | string {
  const written = isJsonObject(row.cache_creation) ? row.cache_creation : undefined;
  const used = isJsonObject(row.server_tool_use) ? row.server_tool_use : {};
  const input = tokenCount(row.uncached_input_tokens);
  const cacheRead = tokenCount(row.cache_read_input_tokens);
  const cacheWrite5m = tokenCount(written?.ephemeral_5m_input_tokens);
  const cacheWrite1h = tokenCount(written?.ephemeral_1h_input_tokens);
  const output = tokenCount(row.output_tokens);
  const searches = optionalCount(used.web_search_requests);
  if (
    input === undefined ||
    cacheRead === undefined ||
    cacheWrite5m === undefined ||
    cacheWrite1h === undefined ||
    output === undefined ||
    searches === undefined
  ) {
    return 'a row has counts that are missing or no numbers';
  }
  for (const name in used) {
    if (name !== 'web_search_requests' && optionalCount(used[name]) !== 0) return `a row has uses of ${name}`;
  }
  if (input + cacheRead + cacheWrite5m + cacheWrite1h + output + searches === 0) {
    return { model: String(row.model), tokens: {} };
  }
  if (typeof row.model !== 'string') return 'a row names no model';
  if (row.service_tier !== 'standard') return `a row has the service tier ${JSON.stringify(row.service_tier ?? null)}`;
  if (row.inference_geo !== 'global' && row.inference_geo !== 'not_available') {
    return `a row has the inference geo ${JSON.stringify(row.inference_geo ?? null)}`;
  }
  return {
    model: row.model,
    tokens: { input, cacheRead, cacheWrite5m, cacheWrite1h, output },
    ...(searches === 0 ? {} : { fees: { webSearch: searches } }),
  };
}

function timeOf(value: Json | undefined): Date | undefined {
  const time = typeof value === 'string' ? new Date(value) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}
