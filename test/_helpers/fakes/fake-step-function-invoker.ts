import type { Json } from '../../../lib/json.ts';
import type { StepFunctionInvoker } from '../../../lib/ports.ts';

type Invoke = StepFunctionInvoker['invoke'];
export interface Invocation {
  readonly functionArn: string;
  readonly input: Json;
  readonly context: Parameters<Invoke>[2];
  readonly timeoutSeconds: number;
}

/** Answers with its input unless it is told otherwise. */
export class FakeStepFunctionInvoker implements StepFunctionInvoker {
  readonly invocations: Invocation[] = [];
  answer: (invocation: Invocation) => ReturnType<Invoke> = async ({ input }) => ({ ok: true, output: input });

  invoke(...[functionArn, input, context, timeoutSeconds]: Parameters<Invoke>): ReturnType<Invoke> {
    const invocation = { functionArn, input, context, timeoutSeconds };
    this.invocations.push(invocation);
    return this.answer(invocation);
  }
}
