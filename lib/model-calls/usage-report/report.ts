import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { Usage } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';

/** Providers that report their usage as sums. Gemini has nothing of the kind but the bill of its project. */
export const REPORTING = ['openai', 'anthropic'] as const;
export type ReportingProvider = (typeof REPORTING)[number];

export function isReporting(provider: string): provider is ReportingProvider {
  return REPORTING.some((each) => each === provider);
}

/** What a report says was used of one model in the time that was asked for, all calls together. */
export interface ReportedUse extends Pick<Usage, 'tokens' | 'fees'> {
  /** As the provider calls it: mostly the dated version of what was asked for. */
  readonly model: string;
}

/** Whole hours (UTC). */
export interface ReportWindow {
  readonly from: Date;
  readonly to: Date;
}

/** One list of a report, page after page. */
export interface ReportQuery {
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Uses in one row of a bucket; a text: why it cannot be trusted. */
  read(row: JsonObject): ReportedUse | string;
}

/** The usage report of one provider. */
export interface UsageReport {
  readonly provider: ReportingProvider;
  headers(adminKey: string): { readonly [name: string]: string };
  /** All that tells what a call of this price may have used. `scope`: the project or workspace; absent: the organisation. */
  queries(
    window: ReportWindow,
    price: ModelPrice,
    models: ModelLookup,
    scope: string | undefined,
  ): readonly ReportQuery[];
  /** When a bucket begins and ends; undefined where it does not say so. */
  timesOf(bucket: JsonObject): { readonly from: Date; readonly to: Date } | undefined;
}

export function hoursIn({ from, to }: ReportWindow): number {
  return (to.getTime() - from.getTime()) / 3_600_000;
}

/** Models that only read are reported apart from those that write. */
export function writesText({ maxOutputTokens }: ModelPrice): boolean {
  return maxOutputTokens > 0;
}
