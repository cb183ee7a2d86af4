import type { z } from 'zod';
import { approvalStep } from './approval-data.ts';
import { type TemplateValue, toCondition, toRef, toTemplate } from './author-values.ts';
import { budgetPolicy } from './budget-data.ts';
import { FindingCollector } from './collector.ts';
import type { AuthoredCondition } from './conditions.ts';
import type { Block, Finding, ParallelStep, Step, WhenStep, WorkflowDefinition } from './definition.ts';
import { type Duration, hours, secondsOf } from './durations.ts';
import { type GateRef, makeGateRef, makeWorkspaceRef } from './handed-on.ts';
import { isZodObject, representSchema } from './json-schema.ts';
import { type Leaf, makeRef, type Ref, refIdentity } from './references.ts';
import { lambdaStep, SCHEMA_FIX, sandboxStep } from './step-data.ts';
import type {
  BudgetOptions,
  GateOptions,
  LambdaOptions,
  OutputSchema,
  SandboxOptions,
  SandboxResult,
  StepResult,
} from './step-options.ts';
import { UNKNOWN_SCHEMA } from './unknown-schema.ts';

/** Shared by all copies of this package, so that a workflow file may import another copy than its loader. */
const BRAND = Symbol.for('wflo.workflow');

/** What a workflow file exports as its default. */
export interface Workflow {
  readonly definition: WorkflowDefinition;
  /** What was wrong with the author's calls; the compiler adds its own. */
  readonly findings: readonly Finding[];
}

export interface WorkflowOptions<I extends z.ZodObject> {
  /** Schema of the execution's input. */
  readonly input: I;
  /** Of the whole execution; 24 hours where absent. */
  readonly timeout?: Duration;
  /** How many executions of a tenant may be open at a time; any number where absent. */
  readonly maxConcurrent?: number;
  /** What it may spend on models and sandboxes; any amount where absent. */
  readonly budget?: BudgetOptions;
}

/** Records steps. Blocks nest by callbacks, which run at once: no code of a definition runs in the cloud. */
export interface WorkflowBuilder<I> {
  /** The input of the execution, defaults filled in. */
  readonly input: Ref<I>;
  /** A command in a container of its own. */
  sandbox<S extends OutputSchema = undefined, K extends boolean = false>(
    name: string,
    options: SandboxOptions<S, K>,
  ): SandboxResult<S, K>;
  /** A narrow function in the account. */
  lambda<S extends OutputSchema = undefined>(name: string, options: LambdaOptions<S>): StepResult<S>;
  /** Asks for approval of a value, on which the step that requires the gate may then act. */
  approval(name: string, options: GateOptions): GateRef;
  /** Waits without using anything. A reference counts whole seconds. */
  wait(name: string, duration: Duration | Leaf<number>): void;
  /** Runs one of two blocks. Steps inside cannot be referenced outside, because they may not have run. */
  when(name: string, condition: AuthoredCondition, then: () => void, otherwise?: () => void): void;
  /** Runs all branches at once and waits for all. Returns what the callbacks returned, so that outputs can be used after it. */
  parallel<B extends { readonly [branch: string]: () => unknown }>(
    name: string,
    branches: B,
  ): { readonly [K in keyof B]: ReturnType<B[K]> };
}

/**
 * A workflow. `build` is called once and at once; what it returns is the output of the execution, null where it
 * returns nothing. A wrong definition never throws here: what is wrong is in `findings`, all at once.
 */
export function workflow<I extends z.ZodObject>(
  name: string,
  options: WorkflowOptions<I>,
  build: (w: WorkflowBuilder<z.output<I>>) => TemplateValue | undefined,
): Workflow {
  const collector = new FindingCollector(String(name));
  const inputSchema = inputSchemaOf(options.input, collector);
  const recorder = new Recorder(collector);
  let returned: unknown;
  try {
    returned = build(recorder.builder());
  } catch (error) {
    collector.add(
      'invalid_definition',
      '',
      `the function that builds the workflow threw: ${error instanceof Error ? error.message : String(error)}`,
      'references have no value before run time, so only pass them on; put logic into a step',
    );
  }
  return brand({
    definition: {
      name: String(name),
      inputSchema,
      timeoutSeconds: secondsOf(options.timeout ?? hours(24)),
      ...maxConcurrentOf(options.maxConcurrent),
      ...(options.budget === undefined ? {} : { budget: budgetPolicy(options.budget, collector) }),
      body: recorder.body(),
      output: toTemplate(returned ?? null, 'output', collector),
    },
    findings: collector.findings(),
  });
}

export function isWorkflow(value: unknown): value is Workflow {
  return typeof value === 'object' && value !== null && BRAND in value;
}

function brand(made: Workflow): Workflow {
  Object.defineProperty(made, BRAND, { value: true });
  return made;
}

/** NaN, which the compiler refuses, for what is no number. */
function maxConcurrentOf(given: unknown): { readonly maxConcurrent?: number } {
  return given === undefined ? {} : { maxConcurrent: typeof given === 'number' ? given : Number.NaN };
}

function inputSchemaOf(schema: unknown, collector: FindingCollector) {
  if (!isZodObject(schema)) {
    collector.add(
      'schema_not_representable',
      'input',
      'the input is not a Zod 4 object schema',
      "write input: z.object({ … }) with z from 'zod' 4",
    );
    return UNKNOWN_SCHEMA;
  }
  const representation = representSchema(schema);
  if (representation.ok) return representation.schema;
  for (const reason of representation.reasons) collector.add('schema_not_representable', 'input', reason, SCHEMA_FIX);
  return UNKNOWN_SCHEMA;
}

class Recorder {
  readonly #collector: FindingCollector;
  readonly #body: Step[] = [];
  #block: Step[] = this.#body;

  constructor(collector: FindingCollector) {
    this.#collector = collector;
  }

  body(): Block {
    return this.#body;
  }

  builder<I>(): WorkflowBuilder<I> {
    const collector = this.#collector;
    return {
      input: makeRef<I>({ from: 'input' }, collector),
      sandbox: (name, options) => {
        this.#block.push(sandboxStep(String(name), options, collector));
        return this.#result(name);
      },
      lambda: (name, options) => {
        this.#block.push(lambdaStep(String(name), options, collector));
        return this.#result(name);
      },
      approval: (name, options) => {
        this.#block.push(approvalStep(String(name), options, collector));
        return makeGateRef(String(name), collector);
      },
      wait: (name, duration) => this.#wait(String(name), duration),
      when: (name, condition, then, otherwise) => this.#when(String(name), condition, then, otherwise),
      parallel: (name, branches) => this.#parallel(String(name), branches),
    };
  }

  /** Untyped code may use an output or a workspace that the step does not have: the compiler finds that. */
  #result<R>(name: string): R {
    const step = String(name);
    const output = makeRef({ from: 'step', step }, this.#collector);
    return { output, workspace: makeWorkspaceRef(step, this.#collector) } as R;
  }

  #wait(path: string, duration: Duration | Leaf<number>): void {
    if (refIdentity(duration) === undefined) {
      this.#block.push({ kind: 'wait', path, duration: { seconds: secondsOf(duration as Duration) } });
      return;
    }
    const secondsFrom = toRef(duration, path, this.#collector);
    if (secondsFrom !== undefined) this.#block.push({ kind: 'wait', path, duration: { secondsFrom } });
  }

  #when(path: string, condition: AuthoredCondition, then: () => void, otherwise?: () => void): void {
    const outer = this.#block;
    const data = toCondition(condition, `${path}.condition`, this.#collector);
    const whenTrue = this.#record(then, path).block;
    const whenFalse = otherwise === undefined ? [] : this.#record(otherwise, path).block;
    if (data === undefined) return;
    // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
    const step: WhenStep = { kind: 'when', path, condition: data, then: whenTrue, otherwise: whenFalse };
    outer.push(step);
  }

  #parallel<B extends { readonly [branch: string]: () => unknown }>(path: string, branches: B) {
    const recorded = Object.entries(branches).map(([branch, callback]) => ({
      branch,
      ...this.#record(callback, path),
    }));
    const step: ParallelStep = {
      kind: 'parallel',
      path,
      branches: Object.fromEntries(recorded.map(({ branch, block }) => [branch, block])),
    };
    this.#block.push(step);
    return Object.fromEntries(recorded.map(({ branch, returned }) => [branch, returned])) as {
      readonly [K in keyof B]: ReturnType<B[K]>;
    };
  }

  #record(callback: unknown, path: string): { readonly block: Block; readonly returned: unknown } {
    const outer = this.#block;
    const block: Step[] = [];
    this.#block = block;
    try {
      if (typeof callback === 'function') return { block, returned: callback() };
      this.#collector.add('invalid_value', path, 'a block is not a function', 'write the block as () => { … }');
      return { block, returned: undefined };
    } finally {
      this.#block = outer;
    }
  }
}
