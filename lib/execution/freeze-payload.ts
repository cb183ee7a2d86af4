import { WfloError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { WorkspaceObject } from '../sandbox/protocol.ts';
import { type RefData, refsOf, type Template } from '../workflow/template.ts';
import type { LambdaTarget, PrepareEvent, SandboxTarget, StepConfig } from './machine.ts';
import type { Payload } from './payload.ts';
import { type ExecutionRecord, SCHEMA } from './records.ts';
import { type LoadedValues, resolveTemplate, resolveText } from './resolve-template.ts';

/** Largest canonical payload (5 MiB): a request to a Lambda function takes 6 MB. [AWS: Lambda quotas] */
export const PAYLOAD_LIMIT_BYTES = 5 * 1024 * 1024;

/** Every reference that the payload of a step reads. */
export function payloadRefs(step: StepConfig): readonly RefData[] {
  const templates: readonly Template[] =
    step.kind === 'lambda' ? [step.with] : [step.input, ...step.command, ...Object.values(step.env)];
  return templates.flatMap(refsOf);
}

/**
 * Everything that decides what the attempt will run, with all references filled in; `workspace` is what the step's
 * workspace begins with. Throws `reference_not_resolved`,
 * `invalid_command`, `invalid_env` and `payload_too_large`.
 */
export function freezePayload(
  execution: ExecutionRecord,
  step: StepConfig,
  target: PrepareEvent['target'],
  values: LoadedValues,
  workspace?: WorkspaceObject,
): Payload {
  const base = {
    schema: SCHEMA,
    executionId: execution.executionId,
    workflow: execution.workflow,
    definitionHash: execution.definitionHash ?? '',
    path: step.path,
    timeoutSeconds: step.timeoutSeconds,
  };
  let payload: Payload;
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
    };
  }
  checkSize(step.path, payload);
  return payload;
}

/** The operating system ends arguments and variables at a NUL, so that another text would run than was frozen. */
function withoutNul(
  text: string,
  step: StepConfig,
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
