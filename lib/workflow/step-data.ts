import type { JsonSchema } from '../json.ts';
import { approvalPolicy } from './approval-data.ts';
import { toTemplate, toTextTemplate } from './author-values.ts';
import type { FindingCollector } from './collector.ts';
import { EFFECTS, type Effects, type LambdaStep, type RetryPolicy, type SandboxStep } from './definition.ts';
import { type Duration, minutes, seconds, secondsOf } from './durations.ts';
import { type HandedOnKind, handedOnIdentity, handedOnText } from './handed-on.ts';
import { representSchema } from './json-schema.ts';
import { modelNames, rateLimits } from './model-options.ts';
import type { LambdaOptions, OutputSchema, RetryOptions, SandboxOptions } from './step-options.ts';
import type { Template } from './template.ts';
import { UNKNOWN_SCHEMA } from './unknown-schema.ts';

/** The data of a `sandbox` step, defaults filled in. */
export function sandboxStep(
  path: string,
  options: SandboxOptions<OutputSchema>,
  collector: FindingCollector,
): SandboxStep {
  const workspaceFrom = handedOn('workspace', options.workspace, `${path}.workspace`, collector);
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
    ...(workspaceFrom === undefined ? {} : { workspaceFrom }),
    ...(options.agent === undefined ? {} : { agent: String(options.agent) }),
    ...(options.models === undefined ? {} : { models: modelNames(options.models, `${path}.models`, collector) }),
    ...(options.rate === undefined ? {} : { rate: rateLimits(options.rate, `${path}.rate`, collector) }),
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

function actingPart(
  path: string,
  options: SandboxOptions<OutputSchema> | LambdaOptions<OutputSchema>,
  effects: Effects | undefined,
  defaultTimeout: Duration,
  collector: FindingCollector,
) {
  const outputSchema = outputSchemaOf(options.output, path, collector);
  const { approval } = options;
  const requires = handedOn('gate', options.requires, `${path}.requires`, collector);
  return {
    effects: effectsOf(effects, path, collector),
    idempotent: options.idempotent === true,
    retry: retryOf(options.retry ?? {}),
    timeoutSeconds: secondsOf(options.timeout ?? defaultTimeout),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(approval === undefined ? {} : { approval: approvalPolicy(approval, `${path}.approval`, collector) }),
    ...(requires === undefined ? {} : { requires }),
  };
}

function keepsWorkspace(given: unknown, path: string, collector: FindingCollector): boolean {
  if (given !== undefined && typeof given !== 'boolean') {
    collector.add('invalid_value', `${path}.keepWorkspace`, 'keepWorkspace is neither true nor false', 'write true');
  }
  return given === true;
}

const EXPECTED: { readonly [K in HandedOnKind]: { readonly what: string; readonly fix: string } } = {
  workspace: {
    what: 'the workspace of a step',
    fix: 'write workspace: earlier.workspace, where earlier is a sandbox step with keepWorkspace: true',
  },
  gate: { what: 'a gate', fix: "write requires: gate, where gate is what w.approval('…', { … }) returned before" },
};

/** The step that hands on what was given; undefined where nothing was, or, with a finding, something else. */
function handedOn(kind: HandedOnKind, given: unknown, place: string, collector: FindingCollector): string | undefined {
  if (given === undefined) return undefined;
  const { what, fix } = EXPECTED[kind];
  const identity = handedOnIdentity(given);
  if (identity?.kind !== kind) {
    collector.add('invalid_value', place, `what stands here is not ${what}`, fix);
    return undefined;
  }
  if (identity.observer === collector) return identity.step;
  collector.add('unknown_reference', place, `${handedOnText(identity)} belongs to another workflow`, fix);
  return undefined;
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
