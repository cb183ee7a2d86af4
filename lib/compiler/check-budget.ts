import type { WorkflowDefinition } from '../workflow/definition.ts';
import { isName } from './check-names.ts';
import type { Report } from './findings.ts';
import { actingStepsOf } from './steps-of.ts';

/** That every agent with a budget is one: what nobody is charged to limits nothing. */
export function checkBudget({ budget, body }: WorkflowDefinition, report: Report): void {
  const agents = new Set(
    actingStepsOf(body).flatMap((step) => (step.kind === 'sandbox' ? [step.agent ?? step.path] : [])),
  );
  for (const agent of Object.keys(budget?.agents ?? {})) {
    if (agents.has(agent)) continue;
    report(
      'invalid_budget',
      `budget.agents.${agent}`,
      isName(agent) ? `no sandbox step has the agent "${agent}"` : `"${agent}" is not the name of an agent`,
      agents.size === 0
        ? 'remove it: the workflow has no sandbox step'
        : `write one of ${[...agents].map((known) => `'${known}'`).join(', ')}, or give a step this agent`,
    );
  }
}
