import type { ExecutionSummary, ExecutionView, StepView } from '../client/api.ts';
import type { ErrorData } from '../errors.ts';
import { isFinal } from '../execution/status.ts';
import { budgetApprovalLines, type OpenApprovals, openApprovalLines } from './open-approvals.ts';
import { exactUsd } from './render-costs.ts';
import { type Colour, type Style, visible } from './style.ts';
import { table } from './table.ts';
import { durationText, elapsedText, instantText } from './times.ts';

const SYMBOLS: { readonly [S in StepView['status']]: readonly [string, Colour] } = {
  pending: ['○', 'dim'],
  waiting_approval: ['◇', 'yellow'],
  prepared: ['◔', 'cyan'],
  running: ['●', 'cyan'],
  exited: ['◕', 'cyan'],
  succeeded: ['✓', 'green'],
  retried: ['↻', 'yellow'],
  failed: ['✗', 'red'],
  rejected: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
  outcome_unknown: ['?', 'red'],
};

export function statusColour(status: ExecutionView['status']): Colour {
  if (status === 'succeeded') return 'green';
  if (status === 'waiting_approval') return 'yellow';
  return isFinal(status) ? 'red' : 'cyan';
}

/** An execution as a person wants to see it: what it is, its steps and what they wait for, then how it ended. */
export function executionLines(view: ExecutionView, now: Date, style: Style, open?: OpenApprovals): string[] {
  const elapsed = elapsedText(view.startedAt, view.endedAt, now);
  const rows = table(view.steps.map((step) => stepRow(step, now, style, isFinal(view.status))));
  return [
    [
      style('bold', view.executionId),
      style(statusColour(view.status), view.status),
      elapsed,
      ...(costText(view) === '' ? [] : [costText(view)]),
    ].join('  '),
    ...view.steps
      .flatMap((step, index) => [rows[index] ?? '', ...openApprovalLines(step, open, now, style)])
      .map((line) => `  ${line}`),
    ...budgetApprovalLines(view, open, now, style),
    ...(view.error === undefined ? [] : [failureLine(view.error, style)]),
    ...outputLines(view, style),
  ];
}

/** `$0.09 of $0.10`; nothing where neither is known to matter. */
function costText({ costUsd, budgetUsd }: Pick<ExecutionView, 'costUsd' | 'budgetUsd'>): string {
  if (budgetUsd !== null) return `${exactUsd(costUsd ?? 0)} of ${exactUsd(budgetUsd)}`;
  return costUsd === null || costUsd === 0 ? '' : exactUsd(costUsd);
}

function stepRow(step: StepView, now: Date, style: Style, ended = false): string[] {
  const [symbol, colour] = SYMBOLS[step.status];
  return [
    `${style(colour, symbol)} ${step.path}`,
    // Such as in a branch that was not taken: nothing is pending where the execution has ended.
    style(colour, ended && step.status === 'pending' ? 'not run' : step.status),
    // A step that is neither at work nor ended has no time of its own.
    step.status === 'pending' ? '' : elapsedText(step.startedAt, step.endedAt, now),
    step.costUsd === null || step.costUsd === 0 ? '' : exactUsd(step.costUsd),
    stepNotes(step),
  ];
}

/** What is remarkable: more than one attempt, and how it went wrong. */
function stepNotes(step: StepView): string {
  const notes = [
    step.attempt > 1 ? `attempt ${step.attempt}` : '',
    // An error of the same code tells it in a sentence.
    step.exit === undefined || step.exit.reason === 'ok' || step.exit.reason === step.error?.code
      ? ''
      : exitText(step.exit),
    step.error === undefined ? '' : `${step.error.code}: ${step.error.message}`,
  ];
  return visible(notes.filter((note) => note !== '').join(', '));
}

function exitText(exit: NonNullable<StepView['exit']>): string {
  if (exit.signal !== undefined) return `${exit.reason} (${exit.signal})`;
  return exit.code === null ? exit.reason : `${exit.reason} (exit ${exit.code})`;
}

function failureLine(error: ErrorData, style: Style): string {
  const where = error.stepPath === undefined ? '' : ` in ${error.stepPath}`;
  return `  ${style('red', `${error.code}${where}`)}: ${visible(error.message)}`;
}

function outputLines(view: ExecutionView, style: Style): string[] {
  if (view.outputUrl !== undefined) return [`  ${style('bold', 'output')}  ${view.outputUrl}`];
  if (view.output === undefined || view.output === null) return [];
  const [first = '', ...rest] = JSON.stringify(view.output, null, 2).split('\n').map(visible);
  return [`  ${style('bold', 'output')}  ${first}`, ...rest.map((line) => `  ${line}`)];
}

/** What changed from one view to the next, one line each, for where nothing can be drawn again. */
export function changeLines(
  before: ExecutionView | undefined,
  view: ExecutionView,
  now: Date,
  style: Style,
  open?: OpenApprovals,
): string[] {
  const steps = view.steps.filter((step) => {
    const old = before?.steps.find((one) => one.path === step.path);
    return step.status !== 'pending' && (old?.status !== step.status || old.attempt !== step.attempt);
  });
  const asked = (view.budgetApprovals ?? []).filter((id) => before?.budgetApprovals?.includes(id) !== true);
  const began = before === undefined || before.status !== view.status;
  return [
    ...steps.flatMap((step) => [
      stepRow(step, now, style)
        .filter((cell) => cell !== '')
        .join('  '),
      ...openApprovalLines(step, open, now, style),
    ]),
    ...budgetApprovalLines({ budgetApprovals: asked }, open, now, style),
    // The end is told by the whole view that follows.
    ...(began && !isFinal(view.status)
      ? [`${style(statusColour(view.status), view.status)}  ${view.executionId}`]
      : []),
  ];
}

export function summaryLines(executions: readonly ExecutionSummary[], now: Date, style: Style): string[] {
  if (executions.length === 0) return ['no executions'];
  return table([
    ['EXECUTION', 'STATUS', 'STARTED', 'TOOK', 'COST'].map((title) => style('dim', title)),
    ...executions.map((one) => [
      one.executionId,
      style(statusColour(one.status), one.status),
      instantText(one.startedAt),
      one.endedAt === null
        ? `${elapsedText(one.startedAt, null, now)} so far`
        : durationText(Date.parse(one.endedAt) - Date.parse(one.startedAt)),
      costText(one),
    ]),
  ]);
}
