import { isJsonObject } from '../json.ts';
import type { Step, WorkflowDefinition } from '../workflow/definition.ts';
import type { Report } from './findings.ts';
import { stepsOf } from './steps-of.ts';

const WORKFLOW_NAME_LENGTH = 40;
const RESERVED_WORKFLOW_NAMES = ['tenant'];
/** Step Functions allows 80 characters for the name of a state. */
const STATE_NAME_LENGTH = 80;
/** The longest names of states are `<step>.Parallel` and `<step>.Approved`. */
const STEP_NAME_LENGTH = STATE_NAME_LENGTH - '.Parallel'.length;

/** Lower-case words with single hyphens between them. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const BRANCH_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const IMAGE_NAME = NAME;

const NAME_FIX = 'write lower-case words with single hyphens, such as plan-cleanup, beginning with a letter';

export function checkNames(definition: WorkflowDefinition, report: Report): void {
  checkName('the workflow name', definition.name, WORKFLOW_NAME_LENGTH, '', report);
  if (RESERVED_WORKFLOW_NAMES.includes(definition.name)) {
    report(
      'invalid_name',
      '',
      `the workflow name "${definition.name}" is reserved: what happens to a tenant is recorded under it`,
      'give the workflow another name',
    );
  }
  if (isJsonObject(definition.inputSchema.properties) && Object.hasOwn(definition.inputSchema.properties, 'wflo')) {
    report(
      'invalid_name',
      'input.wflo',
      'the input field "wflo" is reserved for the options of an execution',
      'give the field another name',
    );
  }
  const seen = new Set<string>();
  for (const step of stepsOf(definition.body)) {
    checkName('the step name', step.path, STEP_NAME_LENGTH, step.path, report);
    checkParts(step, report);
    if (seen.has(step.path)) {
      report(
        'duplicate_step',
        step.path,
        `two steps have the name "${step.path}"`,
        'give each step, wait, when and parallel of the workflow a name of its own',
      );
    }
    seen.add(step.path);
  }
}

function checkParts(step: Step, report: Report): void {
  if (step.kind === 'sandbox') {
    if (!IMAGE_NAME.test(step.image)) {
      report(
        'invalid_name',
        `${step.path}.image`,
        `the image name "${step.image}" has the wrong shape`,
        "write 'python', 'node', or a name from the deployment's image list",
      );
    }
    if (step.agent !== undefined) {
      checkName('the agent name', step.agent, STEP_NAME_LENGTH, `${step.path}.agent`, report);
    }
  }
  if (step.kind !== 'parallel') return;
  for (const branch of Object.keys(step.branches)) {
    const length = `${step.path}.${branch}.End`.length;
    if (BRANCH_NAME.test(branch) && length <= STATE_NAME_LENGTH) continue;
    report(
      'invalid_name',
      `${step.path}.${branch}`,
      `the branch name "${branch}" has the wrong shape, or is too long after "${step.path}"`,
      `write letters, digits, _ and -, beginning with a letter, ${STATE_NAME_LENGTH} characters with the step name`,
    );
  }
}

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** That a name is one of lower-case words, and not too long. */
export function checkName(what: string, name: string, length: number, place: string, report: Report): void {
  if (!NAME.test(name)) report('invalid_name', place, `${what} "${name}" has the wrong shape`, NAME_FIX);
  else if (name.length > length) {
    report(
      'invalid_name',
      place,
      `${what} "${name}" has ${name.length} characters`,
      `use at most ${length} characters`,
    );
  }
}
