import type { CostEntryView } from '../../client/api.ts';
import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { usage } from '../invocation.ts';
import { type CostShare, costLines, exactUsd, executionCostLines, holdLines, sharesBy } from '../render-costs.ts';
import { targetOf } from '../target.ts';

const OF_EXECUTION = ['step', 'agent', 'provider', 'model'] as const;
const OF_TENANT = ['day', 'workflow', 'agent', 'provider', 'model'] as const;

export const costs: Command = {
  name: 'costs',
  summary: 'what an execution, or all of them by day, have spent on what',
  description:
    'Of an execution: its budgets and what each of its steps has cost, also while it runs. Without one: the month so far, or the days that are given (UTC). ' +
    'It counts model calls and the compute of sandboxes; what is not governed (functions, state transitions, endpoints) is not in it.',
  positionals: [{ ...EXECUTION, many: true }],
  options: [
    {
      name: 'by',
      value: 'WHAT',
      summary: `sum by ${OF_EXECUTION.join(', ')} (of an execution; default: step) or ${OF_TENANT.join(', ')} (default: workflow)`,
    },
    { name: 'from', value: 'DAY', summary: 'first day, such as 2026-11-01' },
    { name: 'to', value: 'DAY', summary: 'last day (default: today)' },
    ...TARGET_OPTIONS,
  ],
  json:
    'of an execution `{ executionId, workflow, status, budgets: [{ kind, name?, limitUsd, spentUsd, heldUsd, remainingUsd }], entries: [{ holdId, kind, stepPath, attempt, agent, provider, model, costUsd, reservedUsd, source, inputTokens, outputTokens, priceBook, settledAt }], unsettled: […], by, shares: [{ name, calls, costUsd, inputTokens, outputTokens }] }`; ' +
    'else `{ from, to, rows: [{ day, workflow, agent, provider, model, calls, costUsd, inputTokens, outputTokens }], by, shares }`',
  examples: [
    {
      command: 'wflo costs research-agent:20261124-145753-1f0c9a2b --local',
      shows: 'budgets, and what each step has cost',
    },
    { command: 'wflo costs research-agent:20261124-145753-1f0c9a2b --by model', shows: 'the same by model' },
    { command: 'wflo costs --by day --from 2026-11-01', shows: 'what was spent each day' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const [executionId, extra] = invocation.values('execution');
    if (extra !== undefined) throw usage(`"${extra}" is one word too many`, '`wflo costs --help` shows how it is used');
    const days = { ...given('from', invocation.value('from')), ...given('to', invocation.value('to')) };
    if (executionId !== undefined && Object.keys(days).length > 0)
      throw usage('--from and --to are of no use with an execution', 'leave them out');
    const by =
      executionId === undefined
        ? choice(invocation.value('by'), OF_TENANT, 'workflow')
        : choice(invocation.value('by'), OF_EXECUTION, 'step');
    const client = await connect(targetOf(invocation, env));
    if (executionId === undefined) {
      const answer = await client.costs(days, { signal });
      const shares = sharesBy(answer.rows, (row) => String(row[by as (typeof OF_TENANT)[number]]));
      output.result({ ...answer, by, shares }, () =>
        costLines(`${answer.from} to ${answer.to}`, by, shares, output.style),
      );
      return;
    }
    const answer = await client.executionCosts(executionId, { signal });
    const shares: readonly CostShare[] = sharesBy(
      answer.entries.map((entry) => ({ ...entry, calls: entry.kind === 'call' ? 1 : 0 })),
      (entry) => nameIn(entry, by as (typeof OF_EXECUTION)[number]),
    );
    output.result({ ...answer, by, shares }, () => executionCostLines(answer, by, shares, output.style));
  },
};

export const costsUnsettled: Command = {
  name: 'costs unsettled',
  summary: 'list calls whose cost is not known, and what is held for them',
  description:
    'A stream that broke, or a gateway that was lost in the middle of a call, leaves nobody who knows what the provider charges. All that was reserved stays held, so that no budget is overspent, until it is settled.',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: '`[{ executionId, holdId, stepPath, attempt, agent, provider, model, heldUsd, since, reason }]`',
  examples: [{ command: 'wflo costs unsettled', shows: 'what has to be looked up in the bill of the provider' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const holds = await client.unsettled({ signal });
    output.result(holds, () => holdLines(holds, output.style));
  },
};

export const costsSettle: Command = {
  name: 'costs settle',
  summary: 'say what a call has cost whose cost is not known',
  description: 'For budget owners. The ledger keeps who said so, and why; what was held beyond it is free again.',
  positionals: [EXECUTION, { name: 'hold', summary: 'its id, as `wflo costs unsettled` prints it' }],
  options: [
    {
      name: 'usd',
      value: 'DOLLARS',
      summary: 'what it has cost, such as 0.25; 0 where nothing was charged',
      required: true,
    },
    { name: 'reason', value: 'REASON', summary: 'how you know', required: true },
    ...TARGET_OPTIONS,
  ],
  json: 'its entry, as `wflo costs EXECUTION --json` shows it',
  examples: [
    {
      command: `wflo costs settle research-agent:nightly 01JE0000000000000000000000 --usd 0.031 --reason 'request req_011 in the usage page'`,
      shows: 'free the rest of what is held',
    },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const [costUsd, reason] = [invocation.value('usd') ?? '', invocation.value('reason') ?? ''];
    const client = await connect(targetOf(invocation, env));
    const [executionId, holdId] = [invocation.positional('execution'), invocation.positional('hold')];
    const entry = await client.settle(executionId, holdId, { costUsd, reason }, { signal });
    output.result(entry, () => [
      `settled ${entry.holdId}: ${exactUsd(entry.costUsd)} of ${exactUsd(entry.reservedUsd)} that were held`,
    ]);
  },
};

function given(name: 'from' | 'to', value: string | undefined): { readonly from?: string; readonly to?: string } {
  return value === undefined ? {} : { [name]: value };
}

function choice(text: string | undefined, choices: readonly string[], otherwise: string): string {
  if (text === undefined) return otherwise;
  if (choices.includes(text)) return text;
  throw usage(`costs cannot be summed by "${text}" here`, `use one of: ${choices.join(', ')}`);
}

function nameIn(entry: CostEntryView, by: (typeof OF_EXECUTION)[number]): string {
  return by === 'step' ? entry.stepPath : entry[by];
}
