import { compileWorkflow } from '../compiler/compile.ts';
import type { CompiledWorkflow } from '../compiler/compiled.ts';
import { findingText } from '../compiler/findings.ts';
import { actingStepsOf, gatesOf, stepsOf } from '../compiler/steps-of.ts';
import { WfloError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import { isWorkflow, type Workflow } from '../workflow/workflow.ts';
import { asJson } from './accept-answer.ts';
import { Machine, StateError } from './machine.ts';
import { runSandbox } from './run-sandbox.ts';
import { listed, WorkflowTestError } from './test-error.ts';
import type { Groups } from './test-people.ts';
import { VirtualTime } from './virtual-time.ts';
import { describeRun, type WorkflowRun } from './workflow-run.ts';
import { type Stubs, World } from './world.ts';

export interface WorkflowTest extends Partial<Stubs> {
  /** `{}` where absent. */
  readonly input?: unknown;
  /** When the execution starts; 2026-01-01T00:00:00Z where absent. */
  readonly start?: Date;
  /** The person who starts it; "requester" where absent. */
  readonly requester?: string;
  /** Who is in the groups that gates ask. Where absent, everybody who decides is in all of them. */
  readonly groups?: Groups;
  /** The jitter of delays between attempts, from 0 to below 1; 0.5 where absent, which is about half of the longest. */
  readonly random?: number;
}

const START = '2026-01-01T00:00:00.000Z';

/**
 * Runs one execution of a workflow in this process: its compiled state machine, with the code of Wflo's own functions.
 * Sandboxes, functions, people and time are what the test says of them. Throws `invalid_definition` for a definition
 * that has findings, and a `WorkflowTestError` where the test itself is wrong.
 */
export async function testWorkflow(workflow: Workflow, test: WorkflowTest = {}): Promise<WorkflowRun> {
  const compiled = compile(workflow);
  const { definition } = workflow;
  const { steps = {}, approvals = {}, requester = 'requester', random = 0.5, groups } = test;
  checkStubs(definition, { steps, approvals });
  checkOptions(test);
  const time = new VirtualTime(new Date(test.start ?? START));
  const world = new World({ definition, time, stubs: { steps, approvals }, requester, groups, random });
  const input = asJson(test.input ?? {}, 'the input') ?? {};
  return execute(world, documentOf(compiled), input);
}

function compile(workflow: Workflow): CompiledWorkflow {
  if (!isWorkflow(workflow)) {
    throw new WorkflowTestError('what was given is no workflow', "write: import workflow from './workflow.ts'");
  }
  const result = compileWorkflow(workflow.definition, workflow.findings);
  if (result.ok) return result.compiled;
  const { findings } = result;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  throw new WfloError('invalid_definition', `${count} in the workflow\n${findings.map(findingText).join('\n')}`, {
    fix: 'correct each finding',
    details: { findings },
  });
}

/** The deployment fills this placeholder in; the others name what a test has none of. */
function documentOf({ asl, definitionHash }: CompiledWorkflow): JsonObject {
  return JSON.parse(JSON.stringify(asl).replaceAll('${DefinitionHash}', definitionHash)) as JsonObject;
}

/** A stub that would never be asked is a slip: a step that was renamed, or a name that was mistyped. */
function checkStubs({ body, name }: WorkflowDefinition, stubs: Stubs): void {
  const steps = actingStepsOf(body).map(({ path }) => path);
  const gates = gatesOf(body).map(({ path }) => path);
  for (const path of Object.keys(stubs.steps)) {
    if (steps.includes(path)) continue;
    throw gates.includes(path)
      ? new WorkflowTestError(`"${path}" is a gate, which runs nothing`, `move its stub to approvals: '${path}': …`)
      : new WorkflowTestError(
          `the workflow ${name} has no sandbox or lambda step "${path}", which the test stubs`,
          `use one of ${listed(steps)}`,
        );
  }
  for (const path of Object.keys(stubs.approvals)) {
    if (gates.includes(path)) continue;
    throw new WorkflowTestError(
      `nothing of the workflow ${name} named "${path}" asks for approval, which the test stubs`,
      gates.length === 0 ? 'leave approvals out' : `use one of ${listed(gates)}`,
    );
  }
}

function checkOptions({ start, random = 0.5 }: WorkflowTest): void {
  if (start !== undefined && Number.isNaN(new Date(start).getTime())) {
    throw new WorkflowTestError('start is no time', "write start: new Date('2026-01-31T12:00:00Z')");
  }
  if (!(random >= 0 && random < 1))
    throw new WorkflowTestError(`random is ${random}`, 'give 0 or more, and less than 1');
}

async function execute(world: World, document: JsonObject, input: Json): Promise<WorkflowRun> {
  const { time, definition } = world;
  const startedAt = time.now();
  const trace = tracer(definition);
  const machine = new Machine({
    time,
    executionArn: world.executionArn,
    callFunction: (placeholder, payload) => world.callFunction(placeholder, payload),
    runTask: (taskDefinition, environment) => runSandbox(world, taskDefinition, environment),
    entered: trace.entered,
    waits: trace.waits,
  });
  await world.announce(input);
  const timeLimit = time.reach(startedAt.getTime() + definition.timeoutSeconds * 1000);
  const end = await Promise.race([
    machine.run(document, input).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof StateError) return { status: 'FAILED', error: error.error, cause: error.message } as const;
        throw error;
      },
    ),
    timeLimit.then(() => 'too late' as const),
  ]);
  if (end === 'too late') await world.timeOut();
  else if (end !== undefined) await world.end(end);
  return describeRun(world, { startedAt, began: trace.began, waits: trace.waited });
}

/** Which states were entered, by the steps that they belong to. */
function tracer({ body }: WorkflowDefinition) {
  const waitSteps = new Set(stepsOf(body).flatMap((step) => (step.kind === 'wait' ? [step.path] : [])));
  const began: string[] = [];
  const waited: { readonly path: string; readonly seconds: number }[] = [];
  const stepOf = (state: string, suffix: string) =>
    state.endsWith(suffix) ? state.slice(0, -suffix.length) : undefined;
  return {
    began,
    waited,
    entered(state: string): void {
      const path = stepOf(state, '.Prepare');
      if (path !== undefined && !began.includes(path)) began.push(path);
    },
    /** A step that is repeated waits too, in a state of the same kind. */
    waits(state: string, seconds: number): void {
      const path = stepOf(state, '.Wait');
      if (path === undefined || !waitSteps.has(path)) return;
      began.push(path);
      waited.push({ path, seconds });
    },
  };
}
