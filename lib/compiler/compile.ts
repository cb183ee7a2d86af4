import { stateKey } from '../execution/machine.ts';
import { sha256 } from '../json.ts';
import type { Finding, WorkflowDefinition } from '../workflow/definition.ts';
import {
  DEFINITION_LIMIT_BYTES,
  HISTORY_LIMIT_EVENTS,
  historyBound,
  openTextBytes,
  PLACEHOLDER_BYTES,
  STATE_LIMIT_BYTES,
  stateBound,
} from './bounds.ts';
import { checkApprovals } from './check-approvals.ts';
import { checkBudget } from './check-budget.ts';
import { checkNames } from './check-names.ts';
import { checkReferences } from './check-references.ts';
import { checkSteps } from './check-steps.ts';
import type { CompiledWorkflow, CompileResult, FunctionResource, SandboxResource } from './compiled.ts';
import { type Report, reporter } from './findings.ts';
import { graphOf } from './graph.ts';
import { permissionsOf } from './permissions.ts';
import { aslDocument } from './states.ts';
import { type ActingStep, actingStepsOf } from './steps-of.ts';

/**
 * Compiles a definition, or says everything that is wrong with it. Pure. `priorFindings` are those that
 * `workflow()` gathered from the author's calls; with any of them nothing is compiled.
 */
export function compileWorkflow(definition: WorkflowDefinition, priorFindings: readonly Finding[]): CompileResult {
  const findings = [...priorFindings];
  const report = reporter(definition.name, findings);
  checkNames(definition, report);
  checkSteps(definition, report);
  checkApprovals(definition, report);
  checkBudget(definition, report);
  checkReferences(definition, report);
  if (findings.length > 0) return { ok: false, findings };
  const compiled = emit(definition);
  checkBounds(definition, compiled, report);
  return findings.length > 0 ? { ok: false, findings } : { ok: true, compiled };
}

function emit(definition: WorkflowDefinition): CompiledWorkflow {
  const asl = aslDocument(definition);
  const aslText = `${JSON.stringify(asl, null, 2)}\n`;
  const acting = actingStepsOf(definition.body);
  return {
    name: definition.name,
    timeoutSeconds: definition.timeoutSeconds,
    asl,
    aslText,
    definitionHash: sha256(aslText),
    sandboxes: acting.flatMap(sandboxResource),
    functions: acting.flatMap(functionResource),
    permissions: permissionsOf(definition),
    stateBytes: stateBound(definition).stateBytes,
    historyEvents: historyBound(definition.body),
    graph: graphOf(definition),
  };
}

function sandboxResource(step: ActingStep): readonly SandboxResource[] {
  if (step.kind !== 'sandbox') return [];
  const { path, image, cpu, memoryMib, timeoutSeconds, retry, code } = step;
  const attempts = retry.maxRetries + 1;
  const size = { image, cpu, memoryMib };
  return [{ key: stateKey(path), path, ...size, timeoutSeconds, attempts, ...(code === undefined ? {} : { code }) }];
}

function functionResource(step: ActingStep): readonly FunctionResource[] {
  if (step.kind !== 'lambda') return [];
  const { path, memoryMib, timeoutSeconds } = step;
  return [{ key: stateKey(path), path, function: step.function, memoryMib, timeoutSeconds }];
}

function checkBounds(definition: WorkflowDefinition, compiled: CompiledWorkflow, report: Report): void {
  const placeholders = compiled.aslText.match(/\$\{/g)?.length ?? 0;
  const bytes = Buffer.byteLength(compiled.aslText) + placeholders * PLACEHOLDER_BYTES;
  if (bytes > DEFINITION_LIMIT_BYTES) {
    report(
      'definition_too_large',
      '',
      `the compiled definition may have ${bytes} bytes, and Step Functions allows ${DEFINITION_LIMIT_BYTES}`,
      'move long texts from commands, inputs and schemas into the code of the steps, or split the workflow',
    );
  }
  const { stateBytes, largestEvent } = stateBound(definition);
  if (stateBytes > STATE_LIMIT_BYTES) {
    report(
      'state_too_large',
      '',
      `the state of an execution may have ${stateBytes} bytes, and the limit is ${STATE_LIMIT_BYTES}`,
      'use fewer steps, and fewer text fields in conditions',
    );
  } else if (largestEvent.bytes > STATE_LIMIT_BYTES) {
    report(
      'state_too_large',
      largestEvent.path === '' ? 'output' : largestEvent.path,
      `the state and the configuration of this step together may have ${largestEvent.bytes} bytes, and the limit is ${STATE_LIMIT_BYTES}`,
      'move long texts from command, input and output schema into the code of the step',
    );
  }
  const openBytes = openTextBytes(definition);
  if (openBytes > STATE_LIMIT_BYTES / 2) {
    report(
      'state_too_large',
      'input',
      `the input schema and the list of steps have ${openBytes} bytes, and leave too little for an input`,
      'use a smaller input schema, or fewer steps',
    );
  }
  if (compiled.historyEvents > HISTORY_LIMIT_EVENTS) {
    report(
      'history_too_long',
      '',
      `an execution may write ${compiled.historyEvents} history events, and the limit is ${HISTORY_LIMIT_EVENTS}`,
      'use fewer steps, or split the workflow',
    );
  }
}
