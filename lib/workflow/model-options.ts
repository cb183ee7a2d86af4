import type { RateLimits } from '../budget/ledger.ts';
import type { FindingCollector } from './collector.ts';
import { isOptions } from './is-options.ts';

/** What names of models are made of, with the `*` of a pattern: also ARNs and names of fine-tuned models. */
const MODEL_NAME = /^[A-Za-z0-9*][A-Za-z0-9*._:/@+-]{0,255}$/;

const RATES = ['requestsPerMinute', 'tokensPerMinute', 'concurrent'] as const satisfies (keyof RateLimits)[];

const MODELS_FIX = "write models: ['claude-*'], with letters, digits, . _ : / @ + - and * for any number of characters";

/** Names of models. What is none of them becomes a finding, and no name: nothing matches what is not there. */
export function modelNames(given: unknown, place: string, collector: FindingCollector): readonly string[] {
  if (!Array.isArray(given) || given.length === 0) {
    const what = Array.isArray(given) ? 'the list of models is empty' : 'what stands here is not a list of models';
    collector.add('invalid_budget', place, what, `${MODELS_FIX}; leave it out where the step calls no model`);
    return [];
  }
  return given.flatMap((name: unknown, index) => {
    if (typeof name === 'string') collector.sawLiteral(name, `${place}[${index}]`);
    if (typeof name === 'string' && MODEL_NAME.test(name)) return [name];
    const shown = typeof name === 'string' ? JSON.stringify(name) : 'what stands in the list';
    collector.add('invalid_budget', `${place}[${index}]`, `${shown} is not the name of a model`, MODELS_FIX);
    return [];
  });
}

/** Limits on how fast an agent calls models. A wrong one becomes a finding. */
export function rateLimits(given: unknown, place: string, collector: FindingCollector): RateLimits {
  const fix = 'write rate: { requestsPerMinute: 60, tokensPerMinute: 100_000, concurrent: 4 }, or some of these';
  if (!isOptions(given)) {
    collector.add('invalid_budget', place, 'what stands here is not a rate', fix);
    return {};
  }
  const set = Object.entries(given).filter(([, limit]) => limit !== undefined);
  if (set.length === 0) collector.add('invalid_budget', place, 'the rate limits nothing', fix);
  for (const [name, limit] of set) {
    if (!RATES.some((known) => known === name)) {
      collector.add('invalid_budget', `${place}.${name}`, `a rate has no limit "${name}"`, fix);
    } else if (!Number.isSafeInteger(limit) || limit <= 0) {
      collector.add(
        'invalid_budget',
        `${place}.${name}`,
        `${shownAs(limit)} is not a limit`,
        'write a whole number of at least 1',
      );
    }
  }
  const ofLimit = (name: keyof RateLimits): RateLimits => {
    const limit: unknown = Object.fromEntries(set)[name];
    return typeof limit === 'number' ? { [name]: limit } : {};
  };
  return { ...ofLimit('requestsPerMinute'), ...ofLimit('tokensPerMinute'), ...ofLimit('concurrent') };
}

function shownAs(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a ${value === null ? 'null' : typeof value}`;
}
