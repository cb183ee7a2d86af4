import { WfloError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { WorkspaceObject } from '../sandbox/protocol.ts';
import { type RefData, refsOf, type Template } from '../workflow/template.ts';
import type { ActingConfig, GateConfig, LambdaTarget, PrepareEvent, SandboxTarget, StepConfig } from './machine.ts';
import type { GatePayload, LambdaPayload, Payload, SandboxPayload } from './payload.ts';
import { type ExecutionRecord, SCHEMA } from './records.ts';
import { type LoadedValues, resolveTemplate, resolveText } from './resolve-template.ts';

/** Largest canonical payload (5 MiB): a request to a Lambda function takes 6 MB. [AWS: Lambda quotas] */
export const PAYLOAD_LIMIT_BYTES = 5 * 1024 * 1024;

/** Every reference that the payload of a step reads. */
export function payloadRefs(step: StepConfig): readonly RefData[] {
  return Object.values(payloadFields(step)).flatMap(refsOf);
}

/** What the definition fills into the payload of a step, by the name that it has there. */
export function payloadFields(step: StepConfig): { readonly [field: string]: Template } {
  if (step.kind === 'approval') return { subject: step.subject };
  if (step.kind === 'lambda') return { with: step.with };
  return {
    input: step.input,
    ...Object.fromEntries(step.command.map((part, index) => [`command[${index}]`, part])),
    ...Object.fromEntries(Object.entries(step.env).map(([name, value]) => [`env.${name}`, value])),
  };
}

/**
 * Everything that decides what the attempt will run, with all references filled in; `workspace` is what the step's
 * workspace begins with. Throws `reference_not_resolved`,
 * `invalid_command`, `invalid_env` and `payload_too_large`.
 */
export function freezePayload(
  execution: ExecutionRecord,
  step: ActingConfig,
  target: PrepareEvent['target'],
  values: LoadedValues,
  workspace?: WorkspaceObject,
): SandboxPayload | LambdaPayload {
  const base = {
    ...payloadBase(execution, step.path),
    timeoutSeconds: step.timeoutSeconds,
    ...(step.approval === undefined ? {} : { approval: step.approval }),
    ...(step.requires === undefined ? {} : { requires: step.requires }),
  };
  let payload: SandboxPayload | LambdaPayload;
  if (step.kind === 'lambda') {
    const { functionArn } = target as LambdaTarget;
    payload = { ...base, kind: 'lambda', functionArn, with: resolveTemplate(step.with, values) };
  } else {
    const { taskDefinition, codeSha256 } = target as SandboxTarget;
    payload = {
      ...base,
      kind: 'sandbox',
      image: step.image,
      taskDefinition,
      codeSha256,
      command: step.command.map((argument, index) => withoutNul(resolveText(argument, values), step, { index })),
      env: Object.fromEntries(
        Object.entries(step.env).map(([name, value]) => [name, withoutNul(resolveText(value, values), step, { name })]),
      ),
      input: resolveTemplate(step.input, values),
      ...(workspace === undefined ? {} : { workspace }),
      ...(step.keepWorkspace === true ? { keepWorkspace: true } : {}),
      ...(step.models === undefined ? {} : { models: step.models }),
      ...(step.rate === undefined ? {} : { rate: step.rate }),
    };
  }
  checkSize(step.path, payload);
  return payload;
}

/** What a stand-alone gate asks about. Throws `reference_not_resolved` and `payload_too_large`. */
export function freezeGate(execution: ExecutionRecord, gate: GateConfig, values: LoadedValues): GatePayload {
  const payload: GatePayload = {
    ...payloadBase(execution, gate.path),
    kind: 'approval',
    subject: resolveTemplate(gate.subject, values),
    approval: gate.approval,
  };
  checkSize(gate.path, payload);
  return payload;
}

function payloadBase(execution: ExecutionRecord, path: string) {
  return {
    schema: SCHEMA,
    executionId: execution.executionId,
    workflow: execution.workflow,
    definitionHash: execution.definitionHash ?? '',
    path,
  };
}

/** The operating system ends arguments and variables at a NUL, so that another text would run than was frozen. */
function withoutNul(
  text: string,
  step: ActingConfig,
  at: { readonly index: number } | { readonly name: string },
): string {
  if (!text.includes('\0')) return text;
  const fix = 'pass the value in the input of the step';
  if ('index' in at) {
    throw new WfloError('invalid_command', `argument ${at.index} of step ${step.path} holds a NUL character`, { fix });
  }
  throw new WfloError('invalid_env', `the variable ${at.name} of step ${step.path} holds a NUL character`, { fix });
}

function checkSize(path: string, payload: Payload): void {
  const bytes = Buffer.byteLength(canonicalJson(payload as unknown as Json));
  if (bytes <= PAYLOAD_LIMIT_BYTES) return;
  throw new WfloError(
    'payload_too_large',
    `the payload of step ${path} has ${bytes} bytes, and ${PAYLOAD_LIMIT_BYTES} are the limit`,
    {
      fix: 'pass a name or key of the data instead of the data',
    },
  );
}
