import type { Json } from '../json.ts';
import { secondsOf } from '../workflow/durations.ts';
import {
  LAMBDA_FAILURES,
  SANDBOX_FAILURES,
  type StepAnswer,
  type StepCall,
  type StepFailure,
  type StepStub,
} from './step-answers.ts';
import { listed, WorkflowTestError } from './test-error.ts';

/** A stub's answer, checked: what an attempt ends with, and after how long. */
export interface Ended {
  /** Of the attempt; never more than its time limit allows. */
  readonly seconds: number;
  readonly timedOut: boolean;
  readonly failure?: StepFailure;
  /** Absent where it failed, and where nothing was written or returned. */
  readonly output?: Json;
}

const KINDS = { sandbox: SANDBOX_FAILURES, lambda: LAMBDA_FAILURES } as const;

/** Asks the stub of a step. Throws a `WorkflowTestError` where there is none, or where it says what cannot happen. */
export async function askStub(
  stub: StepStub | undefined,
  kind: 'sandbox' | 'lambda',
  call: StepCall,
  timeoutSeconds: number,
): Promise<Ended> {
  if (stub === undefined) {
    throw new WorkflowTestError(
      `the step "${call.path}" began, and the test says nothing about it`,
      `add to steps: '${call.path}': { output: … }, or fails('${KINDS[kind][0]}')`,
    );
  }
  const answer: unknown = typeof stub === 'function' ? await stub(call) : stub;
  if (!isAnswer(answer)) {
    throw new WorkflowTestError(
      `the stub of the step "${call.path}" answered ${String(JSON.stringify(answer))}`,
      `answer { output: … }, {} where the step has no output, or fails('${KINDS[kind][0]}')`,
    );
  }
  const taken = takenSeconds(answer, call.path);
  const timedOut = taken > timeoutSeconds || ('fails' in answer && answer.fails === 'timed_out');
  const seconds = timedOut ? timeoutSeconds : taken;
  if ('fails' in answer) checkFailure(answer, kind, call.path);
  // What would have come after its time limit never comes.
  if (taken > timeoutSeconds) return { timedOut, seconds };
  if ('fails' in answer) return { timedOut, seconds, failure: answer };
  const output = asJson(answer.output, `the output of the stub of "${call.path}"`);
  return { timedOut, seconds, ...(output === undefined ? {} : { output }) };
}

/** The value as it comes out of JSON text, which is how it travels: a Date is its text, a field that is undefined is gone. */
export function asJson(value: unknown, what: string): Json | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  } catch (error) {
    throw new WorkflowTestError(
      `${what} cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`,
      'give a value of objects, lists, texts, numbers, booleans and null',
    );
  }
}

const FIELDS = ['output', 'fails', 'message', 'exitCode', 'takes'];

/** An answer with another field is a slip, such as an output without `output` around it. */
function isAnswer(answer: unknown): answer is StepAnswer {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    !Array.isArray(answer) &&
    Object.keys(answer).every((field) => FIELDS.includes(field)) &&
    !('fails' in answer && 'output' in answer)
  );
}

function takenSeconds({ takes }: StepAnswer, path: string): number {
  if (takes === undefined) return 0;
  const seconds = secondsOf(takes);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new WorkflowTestError(`the stub of the step "${path}" takes no length of time`, 'write takes: minutes(3)');
}

function checkFailure({ fails }: StepFailure, kind: 'sandbox' | 'lambda', path: string): void {
  const possible: readonly string[] = KINDS[kind];
  if (possible.includes(fails)) return;
  throw new WorkflowTestError(
    `the step "${path}" is a ${kind} step, which cannot fail as ${JSON.stringify(fails)}`,
    `use one of ${listed(possible)}`,
  );
}
