import type { TenantBudgetRequest } from '../../client/api.ts';
import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { usage } from '../invocation.ts';
import { budgetLines, tenantBudgetLines } from '../render-costs.ts';
import { targetOf } from '../target.ts';

const TENANT_JSON =
  '`{ tenant, alertsAt, budgets: [{ kind, period, limitUsd, spentUsd, heldUsd, remainingUsd }] }`: of today, then of this month (UTC)';

export const budgetShow: Command = {
  name: 'budget show',
  summary: 'show the budget of the tenant, and what is left of it',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: TENANT_JSON,
  examples: [{ command: 'wflo budget show', shows: 'today and this month' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const answer = await client.tenantBudget({ signal });
    output.result(answer, () => tenantBudgetLines(answer, output.style));
  },
};

export const budgetSet: Command = {
  name: 'budget set',
  summary: 'set what the tenant may spend in a day and in a month',
  description:
    'For budget owners. It replaces the budget as a whole: what is not given is not limited any more. What was spent today and this month stays spent. Days and months are those of UTC.',
  positionals: [],
  options: [
    { name: 'daily', value: 'DOLLARS', summary: 'for each day' },
    { name: 'monthly', value: 'DOLLARS', summary: 'for each month' },
    { name: 'alerts-at', value: 'SHARES', summary: 'shares of a limit that are told of, such as 0.5,0.9' },
    { name: 'unlimited', summary: 'take all limits away' },
    ...TARGET_OPTIONS,
  ],
  json: TENANT_JSON,
  examples: [
    { command: 'wflo budget set --daily 50 --monthly 1000 --alerts-at 0.5,0.9', shows: 'two limits, with alerts' },
    { command: 'wflo budget set --unlimited', shows: 'no limit; every execution keeps its own' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const [dailyUsd, monthlyUsd] = [invocation.value('daily'), invocation.value('monthly')];
    const shares = invocation.value('alerts-at');
    const unlimited = invocation.flag('unlimited');
    const limited = dailyUsd !== undefined || monthlyUsd !== undefined;
    if (unlimited === limited)
      throw usage(
        limited ? '--unlimited excludes --daily and --monthly' : 'no budget is given',
        'give --daily, --monthly or both, or --unlimited',
      );
    if (unlimited && shares !== undefined) throw usage('without a limit there are no alerts', 'leave --alerts-at out');
    const request: TenantBudgetRequest = {
      ...(dailyUsd === undefined ? {} : { dailyUsd }),
      ...(monthlyUsd === undefined ? {} : { monthlyUsd }),
      ...(shares === undefined ? {} : { alertsAt: sharesOf(shares) }),
    };
    const client = await connect(targetOf(invocation, env));
    const answer = await client.setTenantBudget(request, { signal });
    output.result(answer, () => tenantBudgetLines(answer, output.style));
  },
};

export const budgetRaise: Command = {
  name: 'budget raise',
  summary: 'raise the budget of an execution that runs',
  description:
    'For budget owners, but never for whoever started the execution. A call that waits for it goes on; the event chain says who raised it.',
  positionals: [EXECUTION, { name: 'dollars', summary: 'what is added to its limit, such as 5.00' }],
  options: [
    { name: 'agent', value: 'AGENT', summary: 'the budget of this agent in it, instead of its own' },
    ...TARGET_OPTIONS,
  ],
  json: '`{ kind, name?, limitUsd, spentUsd, heldUsd, remainingUsd }`',
  examples: [
    { command: 'wflo budget raise research-agent:nightly 5.00', shows: 'five dollars more' },
    { command: 'wflo budget raise research-agent:nightly 1.50 --agent researcher', shows: 'for one agent' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const agent = invocation.value('agent');
    const request = { byUsd: invocation.positional('dollars'), ...(agent === undefined ? {} : { agent }) };
    const client = await connect(targetOf(invocation, env));
    const raised = await client.raiseBudget(invocation.positional('execution'), request, { signal });
    output.result(raised, () => budgetLines([raised], output.style));
  },
};

function sharesOf(text: string): readonly number[] {
  const shares = text.split(',').map((word) => Number(word.trim()));
  if (shares.every((share) => share > 0 && share <= 1)) return shares;
  throw usage(`"${text}" are no shares of a limit`, 'write shares above 0 and at most 1, such as 0.5,0.75,0.9');
}
