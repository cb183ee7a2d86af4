import { stateKey } from '../execution/machine.ts';
import type { Block, Step, WorkflowDefinition } from '../workflow/definition.ts';
import { configText } from './config-text.ts';
import { type RefAliases, refAliases } from './ref-aliases.ts';
import { scalarTypeOf } from './ref-types.ts';
import { stepConfig, workflowConfig } from './step-config.ts';
import { isReservedLater, type KeyedStep, keyedStepsOf } from './steps-of.ts';

/** Step Functions allows 256 KiB; the rest is for what AWS itself adds. */
export const STATE_LIMIT_BYTES = 200 * 1024;
/** Step Functions allows 25,000 events; the rest is for repeated attempts. */
export const HISTORY_LIMIT_EVENTS = 15_000;
/** Step Functions allows 1 MB, counted after the placeholders are filled in. */
export const DEFINITION_LIMIT_BYTES = 1_000_000;
/** An ARN or URL that replaces a placeholder, at most. */
export const PLACEHOLDER_BYTES = 256;

/** A handle with its longest key (execution id 121, blob name 100 characters), and the rest of a `FinishAnswer`. */
const ANSWER_BYTES = 560;
/** What `refs` of one step or of the input may hold; more is `ref_too_large` at run time. */
const REFS_BYTES = 4 * 1024;
const NUMBER_BYTES = 32;
/** Schema, execution id, keys, and the input's handle. */
const BASE_BYTES = 1024;
/** `$.step`: Prepare's answer with the ids in it, the decision, and one error, whose cause Step Functions cuts at 32,768 characters (JSON text, so escaped). */
const CURRENT_STEP_BYTES = 1024 + 40 * 1024;

export interface StateBound {
  /** Of the state alone. */
  readonly stateBytes: number;
  /** The largest event of a handler: the state and the embedded text, and the step whose text it is ('' for Close). */
  readonly largestEvent: { readonly bytes: number; readonly path: string };
}

/** Upper bounds by sum: what every step may leave in the state, at once. */
export function stateBound(definition: WorkflowDefinition): StateBound {
  const aliases = refAliases(definition.body);
  const keyed = keyedStepsOf(definition.body);
  const stepBytes = keyed.map(
    ({ path }) => stateKey(path).length + ANSWER_BYTES + refsBytes({ from: 'step', step: path }, definition, aliases),
  );
  const stateBytes =
    BASE_BYTES + refsBytes({ from: 'input' }, definition, aliases) + sum(stepBytes) + CURRENT_STEP_BYTES;
  const texts = [
    { path: '', bytes: textBytes(definition.output) },
    ...keyed.map((step) => ({ path: step.path, bytes: textBytes(stepConfig(step, aliases.ofStep(step.path))) })),
  ];
  const largest = texts.reduce((most, text) => (text.bytes > most.bytes ? text : most));
  return { stateBytes, largestEvent: { bytes: stateBytes + largest.bytes, path: largest.path } };
}

/** What Open gets besides the input. */
export function openTextBytes(definition: WorkflowDefinition): number {
  return textBytes(workflowConfig(definition));
}

/** History events of the longest way through, every attempt succeeding at once. */
export function historyBound(body: Block): number {
  return EXECUTION_EVENTS + blockEvents(body);
}

/** Entered, scheduled, started, succeeded, exited. */
const LAMBDA_EVENTS = 5;
/** As a Lambda state, and submitted. */
const TASK_EVENTS = 6;
const TWO_EVENTS = 2;
/** Approve, where nobody decides also Expire, and Approved. */
const APPROVAL_EVENTS = TASK_EVENTS + LAMBDA_EVENTS + TWO_EVENTS;
/** Started and succeeded; Open, Opened, Begin, Close, Closed, Done. */
const EXECUTION_EVENTS = 2 + 2 * LAMBDA_EVENTS + 4 * TWO_EVENTS;
/** Entered, started, succeeded, exited. */
const PARALLEL_EVENTS = 4;

function blockEvents(block: Block): number {
  return sum(block.map(stepEvents));
}

function stepEvents(step: Step): number {
  switch (step.kind) {
    case 'sandbox':
      return keyedEvents(step, TASK_EVENTS);
    case 'lambda':
      return keyedEvents(step, LAMBDA_EVENTS);
    case 'approval':
      return keyedEvents(step, 0);
    case 'wait':
      return TWO_EVENTS;
    case 'when':
      return TWO_EVENTS + Math.max(blockEvents(step.then), blockEvents(step.otherwise));
    case 'parallel':
      return PARALLEL_EVENTS + sum(Object.values(step.branches).map((block) => blockEvents(block) + TWO_EVENTS));
  }
}

/** Prepare, Route, Run, Finish, Next; after an approval Reserve, and Route again. */
function keyedEvents(step: KeyedStep, runEvents: number): number {
  const approval = step.approval === undefined ? 0 : APPROVAL_EVENTS;
  const reserve = isReservedLater(step) ? LAMBDA_EVENTS + TWO_EVENTS : 0;
  return 2 * LAMBDA_EVENTS + 2 * TWO_EVENTS + runEvents + approval + reserve;
}

function refsBytes(
  source: { readonly from: 'input' } | { readonly from: 'step'; readonly step: string },
  definition: WorkflowDefinition,
  aliases: RefAliases,
): number {
  const refs = source.from === 'input' ? aliases.ofInput() : aliases.ofStep(source.step);
  const bytes = refs.map(({ alias, path }) =>
    scalarTypeOf({ source, path }, definition) === 'string' ? REFS_BYTES : alias.length + NUMBER_BYTES,
  );
  return Math.min(REFS_BYTES, sum(bytes));
}

/** As a JSON string inside JSON, where quotes and backslashes are escaped once more. */
function textBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(configText(value)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
