import { worstCaseOf } from '../../lib/budget/cost.ts';
import type { BudgetRefusal } from '../../lib/budget/ledger.ts';
import { minusUsd } from '../../lib/budget/money.ts';
import type { ModelCall } from '../../lib/model-calls/wire-format.ts';

/** The largest ceiling of output tokens with which the same call would fit what is left; undefined where none would. */
export function fittingOutputTokens(call: ModelCall, refused: BudgetRefusal): number | undefined {
  const { boundWithOutput, price } = call;
  if (boundWithOutput === undefined) return undefined;
  const left = minusUsd(minusUsd(refused.limit, refused.spent), refused.held);
  const fits = (tokens: number): boolean => worstCaseOf(boundWithOutput(tokens), price) <= left;
  if (!fits(1)) return undefined;
  let [fitting, tooMany] = [1, price.maxOutputTokens + 1];
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (fits(middle)) fitting = middle;
    else tooMany = middle;
  }
  return fitting;
}
