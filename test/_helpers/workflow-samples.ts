import { compileWorkflow } from '../../lib/compiler/compile.ts';
import type { CompiledWorkflow } from '../../lib/compiler/compiled.ts';
import { isJsonObject, type JsonObject } from '../../lib/json.ts';
import type {
  ApprovalPolicy,
  ApprovalStep,
  Block,
  LambdaStep,
  SandboxStep,
  WorkflowDefinition,
} from '../../lib/workflow/definition.ts';
import type { RefData } from '../../lib/workflow/template.ts';

const retry = { maxRetries: 2, initialDelaySeconds: 2, maxDelaySeconds: 60 };

/** A sandbox step as the authoring API makes it, with what a test is about. */
export function sandbox(path: string, fields: Partial<SandboxStep> = {}): SandboxStep {
  return {
    kind: 'sandbox',
    path,
    image: 'python',
    command: [{ literal: 'run' }],
    cpu: 0.25,
    memoryMib: 512,
    env: {},
    input: { literal: {} },
    keepWorkspace: false,
    effects: 'none',
    idempotent: false,
    retry,
    timeoutSeconds: 600,
    ...fields,
  };
}

export function lambda(path: string, fields: Partial<LambdaStep> = {}): LambdaStep {
  return {
    kind: 'lambda',
    path,
    function: './functions/f.ts',
    with: { literal: {} },
    memoryMib: 256,
    effects: 'none',
    idempotent: false,
    retry,
    timeoutSeconds: 60,
    ...fields,
  };
}

/** One person of the data owners within an hour, with what a test is about. */
export function policy(fields: Partial<ApprovalPolicy> = {}): ApprovalPolicy {
  return {
    from: [{ group: 'data-owners', min: 1 }],
    notRequester: true,
    withinSeconds: 3600,
    executeWithinSeconds: 1800,
    otherwise: 'reject',
    ...fields,
  };
}

/** A stand-alone gate. */
export function gate(path: string, fields: Partial<ApprovalStep> = {}): ApprovalStep {
  return { kind: 'approval', path, subject: { literal: {} }, approval: policy(), ...fields };
}

export function definition(body: Block, fields: Partial<WorkflowDefinition> = {}): WorkflowDefinition {
  return {
    name: 'sample',
    inputSchema: { type: 'object', properties: {} },
    timeoutSeconds: 86_400,
    body,
    output: { literal: null },
    ...fields,
  };
}

export function inputRef(...path: readonly string[]): RefData {
  return { source: { from: 'input' }, path };
}

export function outputRef(step: string, ...path: readonly string[]): RefData {
  return { source: { from: 'step', step }, path };
}

/** Compiles a definition that has no findings; the test fails with them where it has. */
export function compiled(of: WorkflowDefinition): CompiledWorkflow {
  const result = compileWorkflow(of, []);
  if (!result.ok) throw new Error(JSON.stringify(result.findings, null, 2));
  return result.compiled;
}

/** All states of a document by name, also those inside branches. */
export function statesOf(document: JsonObject): ReadonlyMap<string, JsonObject> {
  const states = isJsonObject(document.States) ? Object.entries(document.States) : [];
  const all = states.flatMap(([name, state]): [string, JsonObject][] => {
    if (!isJsonObject(state)) return [];
    const branches = Array.isArray(state.Branches) ? state.Branches.filter(isJsonObject) : [];
    return [[name, state], ...branches.flatMap((branch) => [...statesOf(branch)])];
  });
  return new Map(all);
}

/** One state; the test fails where there is none of this name. */
export function stateOf(document: JsonObject, name: string): JsonObject {
  const found = statesOf(document).get(name);
  if (found === undefined) throw new Error(`no state ${name}`);
  return found;
}

/** Where a state can go to. */
export function targetsOf(state: JsonObject): readonly string[] {
  const rules = [state.Choices, state.Catch].flatMap((list) => (Array.isArray(list) ? list.filter(isJsonObject) : []));
  return [state, ...rules]
    .flatMap((holder) => [holder.Next, holder.Default])
    .filter((target) => typeof target === 'string');
}
