import type { JsonSchema } from '../json.ts';
import { toTemplate, toTextTemplate } from './author-values.ts';
import type { FindingCollector } from './collector.ts';
import { EFFECTS, type Effects, type LambdaStep, type RetryPolicy, type SandboxStep } from './definition.ts';
import { type Duration, minutes, seconds } from './durations.ts';
import { representSchema } from './json-schema.ts';
import type { LambdaOptions, OutputSchema, RetryOptions, SandboxOptions } from './step-options.ts';
import type { Template } from './template.ts';
import { UNKNOWN_SCHEMA } from './unknown-schema.ts';
import { workspaceIdentity } from './workspace-references.ts';

/** The data of a `sandbox` step, defaults filled in. */
export function sandboxStep(
  path: string,
  options: SandboxOptions<OutputSchema>,
  collector: FindingCollector,
): SandboxStep {
  return {
    kind: 'sandbox',
    path,
    image: String(options.image),
    ...(options.code === undefined ? {} : { code: String(options.code) }),
    command: commandOf(options.command, path, collector),
    cpu: options.cpu ?? 0.25,
    memoryMib: options.memoryMib ?? 512,
    env: envOf(options.env ?? {}, path, collector),
    input: toTemplate(options.input ?? {}, `${path}.input`, collector),
    keepWorkspace: keepsWorkspace(options.keepWorkspace, path, collector),
    ...workspaceFrom(options.workspace, path, collector),
    ...(options.agent === undefined ? {} : { agent: String(options.agent) }),
    ...actingPart(path, options, options.effects ?? 'none', minutes(10), collector),
  };
}

/** The data of a `lambda` step, defaults filled in. */
export function lambdaStep(
  path: string,
  options: LambdaOptions<OutputSchema>,
  collector: FindingCollector,
): LambdaStep {
  return {
    kind: 'lambda',
    path,
    function: String(options.function),
    with: toTemplate(options.with ?? {}, `${path}.with`, collector),
    memoryMib: options.memoryMib ?? 256,
    ...actingPart(path, options, options.effects, minutes(1), collector),
  };
}

/** Seconds of a duration; NaN, which the compiler refuses, for anything else. */
export function secondsOf(duration: Duration): number {
  const given: unknown = duration;
  if (typeof given !== 'object' || given === null || !('seconds' in given)) return Number.NaN;
  return typeof given.seconds === 'number' ? given.seconds : Number.NaN;
}

function actingPart(
  path: string,
  options: SandboxOptions<OutputSchema> | LambdaOptions<OutputSchema>,
  effects: Effects | undefined,
  defaultTimeout: Duration,
  collector: FindingCollector,
) {
  const outputSchema = outputSchemaOf(options.output, path, collector);
  return {
    effects: effectsOf(effects, path, collector),
    idempotent: options.idempotent === true,
    retry: retryOf(options.retry ?? {}),
    timeoutSeconds: secondsOf(options.timeout ?? defaultTimeout),
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

function keepsWorkspace(given: unknown, path: string, collector: FindingCollector): boolean {
  if (given !== undefined && typeof given !== 'boolean') {
    collector.add('invalid_value', `${path}.keepWorkspace`, 'keepWorkspace is neither true nor false', 'write true');
  }
  return given === true;
}

function workspaceFrom(given: unknown, path: string, collector: FindingCollector): { readonly workspaceFrom?: string } {
  if (given === undefined) return {};
  const identity = workspaceIdentity(given);
  if (identity?.observer === collector) return { workspaceFrom: identity.step };
  collector.add(
    identity === undefined ? 'invalid_value' : 'unknown_reference',
    `${path}.workspace`,
    identity === undefined
      ? 'what stands at workspace is not the workspace of a step'
      : `the workspace of "${identity.step}" is that of a step of another workflow`,
    'write workspace: earlier.workspace, where earlier is a sandbox step with keepWorkspace: true',
  );
  return {};
}

function effectsOf(effects: Effects | undefined, path: string, collector: FindingCollector): Effects {
  if (effects !== undefined && EFFECTS.includes(effects)) return effects;
  collector.add(
    'effects_not_declared',
    `${path}.effects`,
    effects === undefined
      ? 'the step does not say what it changes outside'
      : `${JSON.stringify(effects)} is not a kind of effects`,
    `write effects: ${EFFECTS.map((known) => `'${known}'`).join(' | ')}`,
  );
  return 'none';
}

function retryOf(retry: RetryOptions): RetryPolicy {
  return {
    maxRetries: retry.maxRetries ?? 2,
    initialDelaySeconds: secondsOf(retry.initialDelay ?? seconds(2)),
    maxDelaySeconds: secondsOf(retry.maxDelay ?? seconds(60)),
  };
}

function outputSchemaOf(schema: OutputSchema, path: string, collector: FindingCollector): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  const representation = representSchema(schema);
  if (representation.ok) return representation.schema;
  for (const reason of representation.reasons) {
    collector.add('schema_not_representable', `${path}.output`, reason, SCHEMA_FIX);
  }
  return UNKNOWN_SCHEMA;
}

export const SCHEMA_FIX = 'use only what JSON Schema can express, and check the rest in the code of the step';

function commandOf(command: unknown, path: string, collector: FindingCollector): readonly Template[] {
  if (!Array.isArray(command)) {
    collector.add(
      'invalid_command',
      `${path}.command`,
      'the command is not a list',
      "write a list of program and arguments: ['python3', 'agent.py']",
    );
    // One part, so that the compiler does not report an empty command as well.
    return [{ literal: '?' }];
  }
  return command.map((part: unknown, index) => toTextTemplate(part, `${path}.command[${index}]`, collector));
}

function envOf(env: object, path: string, collector: FindingCollector): { readonly [name: string]: Template } {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, toTextTemplate(value, `${path}.env.${name}`, collector)]),
  );
}
