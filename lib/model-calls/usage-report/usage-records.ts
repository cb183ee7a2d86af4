import type { CostRow, Hold } from '../../budget/ledger.ts';
import type { Budgets, Ledger, ProviderRecords, RecordedUsage } from '../../budget/ports.ts';
import type { ModelLookup, ModelPrice, PriceBook } from '../../budget/price-book.ts';
import { lookupOf } from '../../budget/prices/lookup.ts';
import { periodOf } from '../../budget/windows.ts';
import { WfloError } from '../../errors.ts';
import type { Json } from '../../json.ts';
import type { Clock } from '../../ports.ts';
import { within } from '../metered.ts';
import { anthropicReport } from './anthropic-report.ts';
import { openaiReport } from './openai-report.ts';
import { type HttpGet, ReportRefused, readReport } from './read-report.ts';
import {
  isReporting,
  type ReportedUse,
  type ReportingProvider,
  type ReportWindow,
  type UsageReport,
  writesText,
} from './report.ts';
import { residualOf } from './residual.ts';

/** The right to read the usage report of one provider. */
export interface UsageReportAccess {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Goes to the provider, and nowhere else. */
  readonly adminKey: string;
  /** The project (OpenAI) or workspace (Anthropic) of the gateway's key; absent: the whole organisation. */
  readonly scope?: string;
}

export interface UsageRecordsOptions {
  readonly clock: Clock;
  /** Undefined where nobody has set it up. Throws `provider_not_configured`. */
  readonly access: (provider: ReportingProvider) => Promise<UsageReportAccess | undefined>;
  readonly get: HttpGet;
  readonly ledger: Pick<Ledger, 'unsettledHolds'>;
  readonly budgets: Pick<Budgets, 'listCosts'>;
  /** All of the deployment. One that is missing makes what is left over more, never less. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly prices: PriceBook;
  /** The report cannot be read, and a person has to see to it. Without a key. */
  readonly problem: (provider: ReportingProvider, reason: string) => void;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Calls last 15 minutes at most; the rest is for clocks, and for when a provider counts a call. */
const AROUND_MS = HOUR_MS;
/** Reports come late: what is not in them a day after the end of their time is taken not to come any more. */
const SETTLED_MS = DAY_MS;
const AGAIN_MS = HOUR_MS;
const PAGE = 100;

const REPORTS: { readonly [P in ReportingProvider]: UsageReport } = {
  openai: openaiReport,
  anthropic: anthropicReport,
};

/**
 * `ProviderRecords` of OpenAI and Anthropic, which report usage as sums by time and model: see `residualOf`. For one run:
 * what was read is kept, so that the holds of one day cost one report.
 */
export function usageReportRecords(options: UsageRecordsOptions): ProviderRecords {
  const { clock, prices } = options;
  const models = lookupOf(prices);
  const once = remembered();
  const told = new Set<string>();
  const problem = (provider: ReportingProvider, reason: string) => {
    if (!told.has(`${provider} ${reason}`)) options.problem(provider, reason);
    told.add(`${provider} ${reason}`);
  };

  return {
    async usageOf(hold, price): Promise<RecordedUsage | undefined> {
      const { provider } = hold.purpose;
      if (!isReporting(provider)) return undefined;
      const window = windowOf(hold);
      const dueAt = window.to.getTime() + SETTLED_MS;
      // Before anything is read, the key too.
      if (clock.now().getTime() < dueAt) return { kind: 'later', at: new Date(dueAt).toISOString() };
      const later = { kind: 'later', at: new Date(clock.now().getTime() + AGAIN_MS).toISOString() } as const;
      let reported: readonly ReportedUse[] | string;
      try {
        const access = await once(`access ${provider}`, () => options.access(provider));
        if (access === undefined) return later;
        reported = await readReport(REPORTS[provider], access, { window, price, models }, (url, headers, signal) =>
          once(`get ${url}`, () => options.get(url, headers, signal)),
        );
      } catch (error) {
        if (error instanceof ReportRefused) {
          if (!error.passing) problem(provider, error.message);
          return later;
        }
        if (!WfloError.is(error) || error.code !== 'provider_not_configured') throw error;
        problem(provider, error.message);
        return later;
      }
      if (typeof reported === 'string') return { kind: 'unclear', reason: reported };

      const day = dayOf(hold);
      const tenants = await once('tenants', options.tenants);
      const costs = await once(`costs ${day}`, () => costsOf(options.budgets, tenants, day));
      const settled = costs.filter((row) => row.provider === provider);
      const others = await once(`unsettled ${provider} ${day}`, () =>
        unsettledIn(options.ledger, tenants, provider, window),
      );
      const residual = residualOf(
        hold.amount,
        price,
        { reported, settled, others: others.filter((other) => isOther(other, hold, price, models)).length },
        models,
      );
      switch (residual.kind) {
        case 'nothing':
          return later;
        case 'unclear':
          return residual;
        case 'at_most':
          return { kind: 'at_most', cost: residual.cost, raw: rawOf(window, reported, settled) };
      }
    },
  };
}

function dayOf({ createdAt }: Hold): string {
  return periodOf('day', new Date(createdAt));
}

/** The day (UTC) of the call, and an hour before and after: so it has every call that was settled on that day. */
function windowOf(hold: Hold): ReportWindow {
  const start = Date.parse(`${dayOf(hold)}T00:00:00.000Z`);
  return { from: new Date(start - AROUND_MS), to: new Date(start + DAY_MS + AROUND_MS) };
}

async function costsOf(
  budgets: Pick<Budgets, 'listCosts'>,
  tenants: readonly string[],
  day: string,
): Promise<readonly CostRow[]> {
  const rows: CostRow[] = [];
  for (const tenant of tenants) rows.push(...(await budgets.listCosts(tenant, { from: day, to: day })));
  return rows;
}

/** Calls that may be in the report of this time. */
async function unsettledIn(
  ledger: Pick<Ledger, 'unsettledHolds'>,
  tenants: readonly string[],
  provider: ReportingProvider,
  { from, to }: ReportWindow,
): Promise<readonly Hold[]> {
  const found: Hold[] = [];
  for (const tenant of tenants) {
    let cursor: string | undefined;
    do {
      const page = await ledger.unsettledHolds(tenant, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      found.push(
        ...page.items.filter(({ kind, purpose, createdAt }) => {
          const at = Date.parse(createdAt);
          const mayBe = at >= from.getTime() - AROUND_MS && at < to.getTime();
          return kind === 'call' && purpose.provider === provider && mayBe;
        }),
      );
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return found;
}

/** Embeddings are in a report of their own. */
function isOther(other: Hold, hold: Hold, price: ModelPrice, models: ModelLookup): boolean {
  if (other.holdId === hold.holdId && other.payer.executionId === hold.payer.executionId) return false;
  const known = models(price.provider, other.purpose.model);
  return known === undefined || writesText(known) === writesText(price);
}

function rawOf(
  { from, to }: ReportWindow,
  reported: readonly ReportedUse[],
  settled: readonly Pick<CostRow, 'model' | 'inputTokens' | 'outputTokens'>[],
): Json {
  const uses = new Map<string, { [name: string]: number }>();
  for (const { model, tokens, fees = {} } of reported) {
    const sums = uses.get(model) ?? {};
    uses.set(model, sums);
    for (const [name, count] of Object.entries({ ...tokens, ...fees })) {
      if (count > 0) sums[name] = (sums[name] ?? 0) + count;
    }
  }
  const known = new Map<string, { input: number; output: number }>();
  for (const { model, inputTokens, outputTokens } of settled) {
    const { input, output } = known.get(model) ?? { input: 0, output: 0 };
    known.set(model, { input: input + inputTokens, output: output + outputTokens });
  }
  return within({
    from: from.toISOString(),
    to: to.toISOString(),
    reported: Object.fromEntries([...uses].filter(([, sums]) => Object.keys(sums).length > 0)),
    settled: Object.fromEntries(known),
  });
}

/** Each thing once, also what failed: the next run asks again. */
function remembered(): <T>(name: string, read: () => Promise<T>) => Promise<T> {
  const known = new Map<string, Promise<unknown>>();
  return <T>(name: string, read: () => Promise<T>): Promise<T> => {
    const before = known.get(name);
    if (before !== undefined) return before as Promise<T>;
    const begun = read();
    known.set(name, begun);
    return begun;
  };
}
