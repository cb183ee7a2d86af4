import { LONGEST_PLAIN_NAME } from '../people/names.ts';
import { MAX_MEMBERS } from '../people/rules.ts';
import type { ApprovalPolicy, ApprovalStep, Effects, WorkflowDefinition } from '../workflow/definition.ts';
import { checkDuration } from './check-duration.ts';
import { checkName } from './check-names.ts';
import type { Report } from './findings.ts';
import { actingStepsOf, gatesOf, stepsOf } from './steps-of.ts';

/** Step Functions ends every execution after one year, and so every wait. */
const TIME_LIMIT_SECONDS = 365 * 24 * 60 * 60;

/** What takes more than a later step of the workflow to take back. */
const NEEDS_A_PERSON: readonly Effects[] = ['compensatable', 'irreversible'];

/** The policy of every gate, and that each stand-alone gate protects one step. That it comes before is for the references. */
export function checkApprovals(definition: WorkflowDefinition, report: Report): void {
  for (const { place, policy } of gatesOf(definition.body)) {
    checkGroups(policy, `${place}.from`, report);
    const limit = Math.min(definition.timeoutSeconds, TIME_LIMIT_SECONDS);
    checkDuration('the time limit of the approval', policy.withinSeconds, limit, `${place}.within`, report);
    checkDuration(
      'the time from the approval to the step',
      policy.executeWithinSeconds,
      TIME_LIMIT_SECONDS,
      `${place}.executeWithin`,
      report,
    );
  }
  for (const step of actingStepsOf(definition.body)) {
    const { path, effects, approval, requires } = step;
    if (approval !== undefined) checkOtherwise(approval, effects, path, `${path}.approval.otherwise`, report);
    if (approval !== undefined && requires !== undefined) {
      report(
        'invalid_approval',
        `${path}.requires`,
        `the step has an approval of its own and requires the gate "${requires}"`,
        'keep one of them: `approval` for the whole step as it will run, `requires` for the value of a gate',
      );
    }
    if (effects === 'irreversible' && approval === undefined && requires === undefined) {
      report(
        'irreversible_without_approval',
        `${path}.effects`,
        'an irreversible step needs an approval, and this one has none',
        "give it approval: { from: [group('data-owners', 1)], within: hours(4) }, or let it require a gate",
      );
    }
  }
  for (const step of stepsOf(definition.body)) if (step.kind === 'approval') checkGate(step, definition, report);
}

function checkGroups(policy: ApprovalPolicy, place: string, report: Report): void {
  if (policy.from.length === 0) {
    report('invalid_approval', place, 'the approval names no group', "write from: [group('data-owners', 1)]");
  }
  policy.from.forEach(({ group, min }, index) => {
    checkName('the group name', group, LONGEST_PLAIN_NAME, `${place}[${index}]`, report);
    if (!Number.isInteger(min) || min < 1 || min > MAX_MEMBERS) {
      report(
        'invalid_approval',
        `${place}[${index}]`,
        `${min} people of "${group}" cannot approve`,
        `write a whole number from 1 to ${MAX_MEMBERS}, which is as many as a group can have`,
      );
    }
    if (policy.from.findIndex((other) => other.group === group) < index) {
      report(
        'invalid_approval',
        `${place}[${index}]`,
        `the group "${group}" is listed twice`,
        'list it once, with the number of people that you need',
      );
    }
  });
}

function checkOtherwise(
  { otherwise }: ApprovalPolicy,
  effects: Effects,
  protectedPath: string,
  place: string,
  report: Report,
): void {
  if (otherwise !== 'approve' || !NEEDS_A_PERSON.includes(effects)) return;
  report(
    'invalid_approval',
    place,
    `an expiry would approve "${protectedPath}", whose effects are ${effects}`,
    "write otherwise: 'reject', or leave it out",
  );
}

function checkGate(gate: ApprovalStep, definition: WorkflowDefinition, report: Report): void {
  const [first, ...others] = actingStepsOf(definition.body).filter(({ requires }) => requires === gate.path);
  if (first === undefined) {
    report(
      'approval_not_bound',
      gate.path,
      `no step requires the gate "${gate.path}", so it protects nothing`,
      'give it to the option `requires` of the step that acts on its subject',
    );
    return;
  }
  for (const step of [first, ...others]) {
    checkOtherwise(gate.approval, step.effects, step.path, `${gate.path}.otherwise`, report);
  }
  for (const step of others) {
    report(
      'approval_not_bound',
      `${step.path}.requires`,
      `the gate "${gate.path}" is required by "${first.path}" already, and one approval is for one step`,
      'make a gate for each step',
    );
  }
}
