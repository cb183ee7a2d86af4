import { type NanoUsd, usd, usdText } from '../budget/money.ts';
import { WfloError } from '../errors.ts';
import { isJsonObject, type Json, type JsonSchema } from '../json.ts';
import { refusalOfJson } from './refusal-of-json.ts';
import { problemsError, validateJson } from './validate-json.ts';

/** The key of an input that holds options of Wflo itself instead of data of the workflow. */
export const OPTIONS_KEY = 'wflo';

/**
 * The input that a workflow works with: without the options, checked against its schema, with the defaults of the
 * schema. Throws `unknown_option`, `invalid_budget` and, with all problems at once, `invalid_input`.
 */
export function acceptInput(
  workflow: {
    readonly name: string;
    readonly inputSchema: JsonSchema;
    readonly budget?: { readonly execution?: NanoUsd };
  },
  given: Json,
): Json {
  const refusal = refusalOfJson(given);
  if (refusal !== undefined) {
    throw new WfloError('invalid_input', `the input ${refusal}`, { fix: 'write it as text, or flatter' });
  }
  executionLimit(workflow, given);
  const data = withoutOptions(given);
  const verdict = validateJson(workflow.inputSchema, data);
  if (verdict.ok) return verdict.value;
  throw problemsError(
    'invalid_input',
    `the input does not fit the workflow ${workflow.name}`,
    verdict.problems,
    'correct the named fields and start again',
  );
}

/** What the `wflo` key of an input asks for. Options tighten, and never loosen. */
export interface StartOptions {
  /** The most that the execution may spend. */
  readonly budget?: NanoUsd;
}

/**
 * The options of an input: an option that does not exist must fail, because whoever sets one relies on it. Throws
 * `unknown_option` and `invalid_budget`.
 */
export function startOptions(given: Json): StartOptions {
  if (!isJsonObject(given) || !Object.hasOwn(given, OPTIONS_KEY)) return {};
  const options = given[OPTIONS_KEY];
  if (!isJsonObject(options)) {
    throw new WfloError('unknown_option', `the key "${OPTIONS_KEY}" of the input is not an object of options`, {
      fix: `leave "${OPTIONS_KEY}" out, or rename the field of the workflow: the key is reserved`,
    });
  }
  const unknown = Object.keys(options).filter((name) => name !== BUDGET_OPTION);
  if (unknown.length > 0) {
    throw new WfloError('unknown_option', `there is no option ${unknown.map((name) => `"${name}"`).join(', ')}`, {
      fix: `leave it out of "${OPTIONS_KEY}"; the only option is "${BUDGET_OPTION}"`,
    });
  }
  return Object.hasOwn(options, BUDGET_OPTION) ? { budget: budgetOf(options[BUDGET_OPTION]) } : {};
}

const BUDGET_OPTION = 'budgetUsd';

/**
 * The limit of an execution: that of its workflow, or a lower one that its input asks for. Undefined: any amount.
 * Throws as `startOptions` does, and `invalid_budget` for a higher one.
 */
export function executionLimit(
  { name, budget }: { readonly name: string; readonly budget?: { readonly execution?: NanoUsd } },
  given: Json,
): NanoUsd | undefined {
  const { budget: asked } = startOptions(given);
  const own = budget?.execution;
  if (asked === undefined || own === undefined || asked <= own) return asked ?? own;
  throw new WfloError('invalid_budget', `a budget of ${usdText(asked)} is above that of ${name}, ${usdText(own)}`, {
    fix: `ask for ${usdText(own)} or less: a start can only lower the budget of its workflow`,
  });
}

/** A number or a decimal text of dollars, above 0. */
function budgetOf(given: Json | undefined): NanoUsd {
  const amount = typeof given === 'number' || typeof given === 'string' ? moneyOf(given) : undefined;
  if (amount !== undefined && amount > 0) return amount;
  throw new WfloError('invalid_budget', `${JSON.stringify(given)} is not a budget`, {
    fix: `write dollars above 0 with at most nine decimals, such as {"${OPTIONS_KEY}":{"${BUDGET_OPTION}":"2.50"}}`,
  });
}

function moneyOf(given: number | string): NanoUsd | undefined {
  try {
    return usd(given);
  } catch (error) {
    if (WfloError.is(error) && error.code === 'invalid_money') return undefined;
    throw error;
  }
}

function withoutOptions(given: Json): Json {
  if (!isJsonObject(given)) return given;
  const { [OPTIONS_KEY]: _options, ...data } = given;
  return data;
}
