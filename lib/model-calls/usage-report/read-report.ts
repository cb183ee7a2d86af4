import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import type { ReportedUse, ReportQuery, ReportWindow, UsageReport } from './report.ts';

/** Throws where no answer came. Follows no redirect. */
export type HttpGet = (
  url: string,
  headers: { readonly [name: string]: string },
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

/** There is no report. `passing`: there may be one later; else a person has to see to it. */
export class ReportRefused extends Error {
  override readonly name = 'ReportRefused';
  readonly passing: boolean;

  constructor(passing: boolean, message: string) {
    super(message);
    this.passing = passing;
  }
}

/** All of a report, so that a check that reads one can end in time. */
const REPORT_MS = 8_000;
/** 26 hours are one page. */
const MAX_PAGES = 20;

/** Throws `ReportRefused`; a text where a report came that cannot be trusted. */
export async function readReport(
  report: UsageReport,
  access: { readonly baseUrl: string; readonly adminKey: string; readonly scope?: string },
  asked: { readonly window: ReportWindow; readonly price: ModelPrice; readonly models: ModelLookup },
  get: HttpGet,
): Promise<readonly ReportedUse[] | string> {
  const signal = AbortSignal.timeout(REPORT_MS);
  const headers = report.headers(access.adminKey);
  const uses: ReportedUse[] = [];
  for (const query of report.queries(asked.window, asked.price, asked.models, access.scope)) {
    const read = await readPages(report, query, asked.window, (page) =>
      answerOf(() => get(urlOf(access.baseUrl, query, page), headers, signal)),
    );
    if (typeof read === 'string') return read;
    uses.push(...read);
  }
  return uses;
}

async function readPages(
  report: UsageReport,
  query: ReportQuery,
  window: ReportWindow,
  get: (page: string | undefined) => Promise<string>,
): Promise<readonly ReportedUse[] | string> {
  const uses: ReportedUse[] = [];
  let page: string | undefined;
  for (let pages = 0; ; pages += 1) {
    if (pages === MAX_PAGES) return `the report is longer than ${MAX_PAGES} pages`;
    const answer = parsed(await get(page));
    if (answer === undefined || !Array.isArray(answer.data)) return 'the report has a form that is not known';
    for (const bucket of answer.data) {
      const rows = isJsonObject(bucket) ? rowsOf(report, bucket, window) : undefined;
      if (rows === undefined) return 'the report has a form that is not known';
      for (const row of rows) {
        const use = query.read(row);
        if (typeof use === 'string') return use;
        uses.push(use);
      }
    }
    if (answer.has_more === false) return uses;
    const { next_page: next } = answer;
    if (answer.has_more !== true || typeof next !== 'string' || next === '' || next === page) {
      return 'the report was cut off';
    }
    page = next;
  }
}

/** Undefined for what is no bucket of the time that was asked for. */
function rowsOf(report: UsageReport, bucket: JsonObject, window: ReportWindow): readonly JsonObject[] | undefined {
  const times = report.timesOf(bucket);
  if (times === undefined || times.from < window.from || times.to > window.to) return undefined;
  const { results } = bucket;
  return Array.isArray(results) && results.every(isJsonObject) ? results : undefined;
}

async function answerOf(get: () => ReturnType<HttpGet>): Promise<string> {
  let answer: Awaited<ReturnType<HttpGet>>;
  try {
    answer = await get();
  } catch (error) {
    // Not what the error says: it may quote the request.
    throw new ReportRefused(true, `the usage report did not come (${error instanceof Error ? error.name : 'unknown'})`);
  }
  const { status, body } = answer;
  if (status === 200) return body;
  throw new ReportRefused(status === 429 || status >= 500, `the usage report was answered with status ${status}`);
}

function urlOf(baseUrl: string, { path, query }: ReportQuery, page: string | undefined): string {
  const search = new URLSearchParams([
    ...query.map(([name, value]): [string, string] => [name, value]),
    ...(page === undefined ? [] : [['page', page] as [string, string]]),
  ]);
  return `${baseUrl}${path}?${search}`;
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
