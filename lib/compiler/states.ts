import type { CloseEvent, OpenEvent, PrepareAnswer, ReserveEvent } from '../execution/machine.ts';
import { stateKey } from '../execution/machine.ts';
import { SCHEMA } from '../execution/records.ts';
import type { JsonObject } from '../json.ts';
import type {
  Block,
  LambdaStep,
  ParallelStep,
  SandboxStep,
  Step,
  WaitStep,
  WhenStep,
  WorkflowDefinition,
} from '../workflow/definition.ts';
import { approvalStates } from './approval-states.ts';
import { choiceRule } from './choice-rule.ts';
import { configText } from './config-text.ts';
import { type RefAliases, refAliases } from './ref-aliases.ts';
import { sandboxRun } from './sandbox-run.ts';
import { choice, fail, HANDLER_RETRY, handler, invoke, type Payload, type States } from './state-parts.ts';
import { stepConfig, workflowConfig } from './step-config.ts';
import { type ActingStep, isReservedLater, type KeyedStep, keyedStepsOf } from './steps-of.ts';

interface Emitted {
  /** Where a transition into the block goes; the state after it where the block is empty. */
  readonly start: string;
  readonly states: States;
}

interface Context {
  readonly definition: WorkflowDefinition;
  readonly aliases: RefAliases;
  /** All state keys of the workflow. */
  readonly keys: readonly string[];
}

/** The machine's own time limit is a backstop: `reconcile` ends an execution at the workflow's `timeout`. */
export const MACHINE_TIMEOUT_EXTRA_SECONDS = 600;
/** Run outlives the time limit of its step by the start of a task and the delivery of its outcome. */
export const RUN_TIMEOUT_EXTRA_SECONDS = 900;
const PARALLEL_END = 'End';

/** The ASL document of a definition that has no findings, with its placeholders. */
export function aslDocument(definition: WorkflowDefinition): JsonObject {
  const context: Context = {
    definition,
    aliases: refAliases(definition.body),
    keys: keyedStepsOf(definition.body).map(({ path }) => stateKey(path)),
  };
  const body = emitBlock(definition.body, 'Close', context);
  return {
    Comment: `Workflow ${definition.name}, compiled by Wflo`,
    StartAt: 'Open',
    TimeoutSeconds: definition.timeoutSeconds + MACHINE_TIMEOUT_EXTRA_SECONDS,
    States: { ...openStates(body.start, context), ...body.states, ...closeStates(context) },
  };
}

/** Open answers `{ ok, state, error }`; Begin makes `state` the whole state, because a Choice cannot do so for one way only. */
function openStates(start: string, context: Context): States {
  const payload: Payload<OpenEvent> = {
    schema: SCHEMA,
    'executionArn.$': '$$.Execution.Id',
    'startedAt.$': '$$.Execution.StartTime',
    'input.$': '$',
    workflow: configText(workflowConfig(context.definition)),
    definitionHash: '${DefinitionHash}',
  };
  return {
    Open: handler('OpenExecutionFn', payload, ['ok', 'state', 'error'], { Next: 'Opened' }),
    Opened: choice([{ Variable: '$.ok', BooleanEquals: true, Next: 'Begin' }], 'Failed'),
    Begin: { Type: 'Pass', InputPath: '$.state', Next: start },
  };
}

function closeStates(context: Context): States {
  const payload: Payload<CloseEvent> = {
    schema: SCHEMA,
    'executionId.$': '$.execution.id',
    output: configText(context.definition.output),
    'input.$': '$.input',
    'steps.$': '$.steps',
  };
  return {
    Close: handler('CloseExecutionFn', payload, ['ok', 'output', 'error'], { Next: 'Closed' }),
    Closed: choice([{ Variable: '$.ok', BooleanEquals: true, Next: 'Done' }], 'Failed'),
    Done: { Type: 'Succeed', OutputPath: '$.output' },
    Failed: fail('$.error'),
  };
}

function emitBlock(block: Block, next: string, context: Context): Emitted {
  let start = next;
  // From the end, because each step names the state after it.
  const parts = block.toReversed().map((step) => {
    const emitted = emitStep(step, start, context);
    start = emitted.start;
    return emitted.states;
  });
  return { start, states: Object.assign({}, ...parts.toReversed()) };
}

function emitStep(step: Step, next: string, context: Context): Emitted {
  switch (step.kind) {
    case 'sandbox':
    case 'lambda':
    case 'approval':
      return emitKeyed(step, next, context);
    case 'wait':
      return emitWait(step, next, context);
    case 'when':
      return emitWhen(step, next, context);
    case 'parallel':
      return emitParallel(step, next, context);
  }
}

function emitKeyed(step: KeyedStep, next: string, context: Context): Emitted {
  const { path } = step;
  const key = stateKey(path);
  const config = configText(stepConfig(step, context.aliases.ofStep(path)));
  const run = step.kind === 'approval' ? {} : { [`${path}.Run`]: runState(step) };
  const prepare = {
    schema: SCHEMA,
    'executionId.$': '$.execution.id',
    'enteredAt.$': '$$.State.EnteredTime',
    step: config,
    target: targetOf(step),
    'input.$': '$.input',
    'steps.$': '$.steps',
  };
  const reserve: Payload<ReserveEvent> = {
    schema: SCHEMA,
    'executionId.$': '$.execution.id',
    step: config,
    'prepared.$': '$.step',
  };
  const prepared = { ResultPath: '$.step', Next: `${path}.Route` };
  const finish = { schema: SCHEMA, 'executionId.$': '$.execution.id', step: config, 'prepared.$': '$.step' };
  return {
    start: `${path}.Prepare`,
    states: {
      [`${path}.Prepare`]: handler('PrepareStepFn', prepare, PREPARE_ANSWER, prepared),
      [`${path}.Route`]: choice(
        [
          ...(step.kind === 'approval' ? [] : [routeRule('run', `${path}.Run`)]),
          ...(step.approval === undefined ? [] : [routeRule('ask', `${path}.Approve`)]),
        ],
        `${path}.Finish`,
      ),
      ...(step.approval === undefined ? {} : approvalStates(path, step.approval, whenGranted(step))),
      ...(isReservedLater(step)
        ? { [reserveState(path)]: handler('PrepareStepFn', reserve, PREPARE_ANSWER, prepared) }
        : {}),
      ...run,
      [`${path}.Finish`]: handler('FinishStepFn', finish, ['next', 'waitSeconds', 'ref', 'refs', 'error'], {
        ResultPath: `$.steps.${key}`,
        Next: `${path}.Next`,
      }),
      [`${path}.Next`]: choice(
        [
          { Variable: `$.steps.${key}.next`, StringEquals: 'ok', Next: next },
          { Variable: `$.steps.${key}.next`, StringEquals: 'again', Next: `${path}.Wait` },
        ],
        `${path}.Fail`,
      ),
      [`${path}.Wait`]: { Type: 'Wait', SecondsPath: `$.steps.${key}.waitSeconds`, Next: `${path}.Prepare` },
      [`${path}.Fail`]: fail(`$.steps.${key}.error`),
    },
  };
}

const PREPARE_ANSWER: readonly (keyof PrepareAnswer)[] = ['attempt', 'route', 'leaseId', 'code', 'approvalId'];

/** Where there is nothing to run, what is granted is finished. */
function whenGranted(step: KeyedStep): string {
  if (step.kind === 'approval') return `${step.path}.Finish`;
  return isReservedLater(step) ? reserveState(step.path) : `${step.path}.Run`;
}

function reserveState(path: string): string {
  return `${path}.Reserve`;
}

function routeRule(route: PrepareAnswer['route'], next: string): JsonObject {
  return { Variable: '$.step.route', StringEquals: route, Next: next };
}

function targetOf(step: KeyedStep): JsonObject | null {
  switch (step.kind) {
    case 'sandbox':
      return { taskDefinition: `\${TaskDefinition_${stateKey(step.path)}}`, codeSha256: codeSha256(step) };
    case 'lambda':
      return { functionArn: `\${Function_${stateKey(step.path)}}` };
    case 'approval':
      return null;
  }
}

function runState(step: ActingStep): JsonObject {
  const finish = `${step.path}.Finish`;
  return {
    ...(step.kind === 'sandbox' ? sandboxRun(step) : runLambda(step)),
    TimeoutSeconds: step.timeoutSeconds + RUN_TIMEOUT_EXTRA_SECONDS,
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.step.caught', Next: finish }],
    ResultPath: null,
    Next: finish,
  };
}

function codeSha256(step: SandboxStep): string {
  return `\${CodeSha256_${stateKey(step.path)}}`;
}

/** The claim inside makes a repeated call harmless: only one call acts. */
function runLambda(step: LambdaStep): JsonObject {
  const payload = {
    schema: SCHEMA,
    'executionId.$': '$.execution.id',
    path: step.path,
    'attempt.$': '$.step.attempt',
    'leaseId.$': '$.step.leaseId',
    'code.$': '$.step.code',
  };
  return { ...invoke('InvokeStepFn', payload), Retry: HANDLER_RETRY };
}

function emitWait(step: WaitStep, next: string, context: Context): Emitted {
  const start = `${step.path}.Wait`;
  const duration =
    'seconds' in step.duration
      ? { Seconds: step.duration.seconds }
      : { SecondsPath: context.aliases.jsonPath(step.duration.secondsFrom) };
  return { start, states: { [start]: { Type: 'Wait', ...duration, Next: next } } };
}

function emitWhen(step: WhenStep, next: string, context: Context): Emitted {
  const start = `${step.path}.When`;
  const whenTrue = emitBlock(step.then, next, context);
  const whenFalse = emitBlock(step.otherwise, next, context);
  return {
    start,
    states: {
      [start]: choice(
        [{ ...choiceRule(step.condition, context.definition, context.aliases), Next: whenTrue.start }],
        whenFalse.start,
      ),
      ...whenTrue.states,
      ...whenFalse.states,
    },
  };
}

/**
 * Each branch hands on the handles of its own steps, the first also those of all steps outside the parallel: the
 * results together are as large as the state, however many branches there are.
 */
function emitParallel(step: ParallelStep, next: string, context: Context): Emitted {
  const start = `${step.path}.Parallel`;
  const branches = Object.entries(step.branches);
  const ownKeys = branches.map(([, block]) => keyedStepsOf(block).map(({ path }) => stateKey(path)));
  const inside = new Set(ownKeys.slice(1).flat());
  const handedOn = ownKeys.map((keys, index) => (index === 0 ? context.keys.filter((key) => !inside.has(key)) : keys));
  const selector = handedOn.flatMap((keys, index) => keys.map((key) => [`${key}.$`, `$[${index}].${key}`]));
  const merged =
    selector.length === 0
      ? { ResultPath: null }
      : { ResultSelector: Object.fromEntries(selector), ResultPath: '$.steps' };
  return {
    start,
    states: {
      [start]: {
        Type: 'Parallel',
        Branches: branches.map(([name, block], index) => {
          const end = `${step.path}.${name}.${PARALLEL_END}`;
          const emitted = emitBlock(block, end, context);
          return {
            StartAt: emitted.start,
            States: {
              ...emitted.states,
              [end]: { Type: 'Pass', ...handOn(handedOn[index] ?? []), End: true },
            },
          };
        }),
        ...merged,
        Next: next,
      },
    },
  };
}

/** An empty `Parameters` would mean an empty object on AWS, but the whole state in the emulator. */
function handOn(keys: readonly string[]): JsonObject {
  if (keys.length === 0) return { Result: {} };
  return { Parameters: Object.fromEntries(keys.map((key) => [`${key}.$`, `$.steps.${key}`])) };
}
