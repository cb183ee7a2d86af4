import type { ErrorData } from '../errors.ts';
import type { BudgetRefusal, Scope } from './ledger.ts';
import { usdText } from './money.ts';

/** A scope as a person calls it: `the agent researcher`, `the workflow report on 2026-11-26`. */
export function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case 'execution':
      return 'the execution';
    case 'agent':
      return `the agent ${scope.agent}`;
    case 'workflow':
      return `the workflow ${scope.workflow} ${periodText(scope)}`;
    case 'tenant':
      return `the tenant ${scope.tenant} ${periodText(scope)}`;
  }
}

function periodText({ window, period }: Extract<Scope, { window: string }>): string {
  return `${window === 'day' ? 'on' : 'in'} ${period}`;
}

/** Why something was not done, with the numbers of its instant. `what` is the subject: `the sandbox of step plan`. */
export function refusalError(what: string, refusal: BudgetRefusal): ErrorData {
  const { code, scope, limit, spent, held, needed, resetsAt } = refusal;
  const later = resetsAt === undefined ? '' : `, or wait until ${resetsAt}`;
  return {
    code,
    message: `${what} may cost ${usdText(needed)}, and the budget of ${scopeText(scope)} is ${usdText(limit)}: ${usdText(spent)} of it are spent, and ${usdText(held)} held`,
    fix:
      code === 'budget_held'
        ? `try again when what is held was settled, or raise the budget (\`wflo budget raise\`)${later}`
        : `raise the budget (\`wflo budget raise\`), or ask for less${later}`,
    details: {
      scope,
      limitNanoUsd: limit,
      spentNanoUsd: spent,
      heldNanoUsd: held,
      neededNanoUsd: needed,
      ...(resetsAt === undefined ? {} : { resetsAt }),
    },
  };
}
