import { type NanoUsd, usdText, ZERO_USD } from '../../budget/money.ts';
import type { Plan, PlannedStep } from '../../plan/plan.ts';
import type { Command } from '../command.ts';
import type { Style } from '../style.ts';
import { table } from '../table.ts';
import { durationText } from '../times.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'show what a deployment of this folder has, and what it costs by list prices',
  description:
    'Counts the resources of the templates, in both network modes side by side, and prices the sandbox steps of every workflow. ' +
    'Needs no AWS account and calls none. The list prices are those of us-east-1; other regions differ, and what is paid by use beside sandboxes is not in it.',
  positionals: [],
  options: [
    { name: 'stage', value: 'STAGE', summary: 'the stage to plan (default: WFLO_STAGE, then cdk.json, then dev)' },
  ],
  json:
    '`{ stage, network, availabilityZones, architecture, prices, fixed: { private, open }, usage, workflows, notIncluded }`; ' +
    'every amount is a whole number of billionths of a US dollar',
  examples: [
    { command: 'wflo plan', shows: 'network mode, cost of a month at rest, cost of every sandbox step' },
    {
      command: 'wflo plan --json | jq .fixed.private.nanoUsdPerMonth',
      shows: 'what the private network mode costs at rest',
    },
  ],
  async run(invocation, { env, output, projectDir }) {
    const { planDeployment } = await import('../../plan/plan.ts');
    const planned = await planDeployment(projectDir, invocation.value('stage') ?? (env.WFLO_STAGE || undefined));
    output.result(planned, () => planLines(planned, output.style));
  },
};

export function planLines(planned: Plan, style: Style): string[] {
  const { network, availabilityZones: zones, architecture, prices } = planned;
  return [
    `${style('bold', `stage ${planned.stage}`)}: network ${network}, ${zones === 1 ? '1 availability zone' : `${zones} availability zones`}, ${architecture}`,
    ...(network === 'open'
      ? [style('yellow', '! the egress of sandboxes is not filtered in the network mode `open`')]
      : []),
    '',
    ...fixedLines(planned, style),
    '',
    style('bold', 'by use, where the modes differ'),
    ...table(planned.usage.map((one) => [`  ${one.network}`, `${usdText(one.nanoUsd)} per ${one.per}`, one.what])),
    ...planned.workflows.flatMap((workflow) => [
      '',
      ...(workflow.steps.length === 0
        ? [`${style('bold', `workflow ${workflow.workflow}`)}: no sandbox steps`]
        : [
            `${style('bold', `workflow ${workflow.workflow}`)}: at most ${usdText(workflow.mostNanoUsd)} for the sandboxes of an execution`,
            ...table([
              ['  step', 'image', 'size', 'per hour', 'time limit', 'at the limit', 'attempts'].map((title) =>
                style('dim', title),
              ),
              ...workflow.steps.map(stepRow),
            ]),
          ]),
    ]),
    '',
    `List prices of ${prices.region} of ${prices.asOf}; other regions differ. Not included:`,
    ...planned.notIncluded.map((one) => `  ${one}`),
  ];
}

function fixedLines({ fixed, network }: Plan, style: Style): string[] {
  const title = (mode: Plan['network']) => `${mode}${mode === network ? ' (this one)' : ''}`;
  const rows = fixed.private.items.map((item, index) => {
    const other = fixed.open.items[index];
    return [
      `  ${item.what}`,
      amount(item.count, item.nanoUsdPerMonth),
      amount(other?.count ?? 0, other?.nanoUsdPerMonth ?? ZERO_USD),
    ];
  });
  return table([
    [style('bold', 'a month at rest'), title('private'), title('open')],
    ...rows,
    ['  total', usdText(fixed.private.nanoUsdPerMonth), usdText(fixed.open.nanoUsdPerMonth)].map((cell) =>
      style('bold', cell),
    ),
  ]);
}

function amount(count: number, nanoUsd: NanoUsd): string {
  return count === 0 ? '-' : `${usdText(nanoUsd)} for ${count}`;
}

function stepRow(step: PlannedStep): string[] {
  return [
    `  ${step.path}`,
    step.image,
    `${step.cpu} vCPU, ${step.memoryMib} MiB`,
    usdText(step.nanoUsdPerHour),
    durationText(step.timeoutSeconds * 1000),
    usdText(step.nanoUsdAtLimit),
    String(step.attempts),
  ];
}
