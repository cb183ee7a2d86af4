import aslValidator from 'asl-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateLimits } from '../../../lib/budget/ledger.ts';
import { nanoUsd, usd } from '../../../lib/budget/money.ts';
import { configText } from '../../../lib/compiler/config-text.ts';
import type {
  GateConfig,
  LambdaStepConfig,
  SandboxStepConfig,
  WorkflowConfig,
} from '../../../lib/execution/machine.ts';
import { ON_EXCEEDED } from '../../../lib/execution/records.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json.ts';
import type { ApprovalPolicy, Block, BudgetPolicy, Condition, Step } from '../../../lib/workflow/definition.ts';
import {
  compiled,
  definition,
  gate,
  inputRef,
  lambda,
  policy,
  sandbox,
  stateOf,
  targetsOf,
} from '../../_helpers/workflow-samples.ts';

/** Text that tries to be something else: placeholders, paths, intrinsics, escapes. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '${FinishStepFn}',
        '$',
        '{',
        '}',
        '$.step.code',
        "States.Format('{}', $.x)",
        '.$',
        '\\u0024{X}',
        '"',
        '\\',
        '\n',
        '\ud800',
        '${',
      ),
    )
    .map((parts) => parts.join('')),
);
const hostileJson = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    hostileText,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(hostileText, tie('json'), { maxKeys: 3 }),
  ),
})).json;

function payloadOf(asl: JsonObject, state: string): JsonObject {
  const { Parameters } = stateOf(asl, state);
  return isJsonObject(Parameters) && isJsonObject(Parameters.Payload) ? Parameters.Payload : {};
}

function keysOf(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  return isJsonObject(value) ? Object.entries(value).flatMap(([key, field]) => [key, ...keysOf(field)]) : [];
}

describe('text of a user', () => {
  it('round-trips through the embedded text, which has no $', () => {
    fc.assert(
      fc.property(hostileJson, (value) => {
        const embedded = configText(value);
        expect(embedded).not.toContain('$');
        expect(JSON.parse(embedded)).toEqual(value);
      }),
    );
  });

  it('reaches the handlers as it was written, and never becomes a placeholder, a path or a key', () => {
    const plain = compiled(definition([sandbox('agent', { outputSchema: {} })], { output: { literal: '' } }));
    const placeholders = (text: string) => text.match(/\$\{[^}]*\}?/g) ?? [];
    fc.assert(
      fc.property(hostileText, hostileText, hostileJson, hostileJson, (command, env, input, schema) => {
        const step = sandbox('agent', {
          command: [{ literal: command }, { text: [{ literal: command }] }],
          env: { NAME: { literal: env } },
          input: { literal: input },
          outputSchema: { description: schema },
        });
        const made = compiled(
          definition([step], { inputSchema: { type: 'object', default: schema }, output: { literal: input } }),
        );
        const config: SandboxStepConfig = JSON.parse(String(payloadOf(made.asl, 'agent.Prepare').step));
        expect(config).toMatchObject({ command: step.command, env: step.env });
        expect([config.input, config.outputSchema]).toEqual([step.input, step.outputSchema]);
        const workflow: WorkflowConfig = JSON.parse(String(payloadOf(made.asl, 'Open').workflow));
        expect(workflow.inputSchema).toEqual({ type: 'object', default: schema });
        expect(JSON.parse(String(payloadOf(made.asl, 'Close').output))).toEqual({ literal: input });
        // The document differs from that of a plain definition in the embedded texts alone.
        expect(placeholders(made.aslText)).toEqual(placeholders(plain.aslText));
        expect(keysOf(made.asl)).toEqual(keysOf(plain.asl));
      }),
    );
  });

  it('and money, models and rates reach the handlers as they were written', () => {
    const plain = compiled(definition([sandbox('agent')]));
    const amount = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(nanoUsd);
    const budgets = fc.record<BudgetPolicy>(
      {
        execution: amount,
        agents: fc.constantFrom({}, { agent: usd(2) }),
        daily: amount,
        monthly: amount,
        alertsAt: fc.uniqueArray(fc.integer({ min: 1, max: 1000 })),
        onExceeded: fc.constantFrom(...ON_EXCEEDED),
      },
      { requiredKeys: ['agents', 'alertsAt', 'onExceeded'] },
    );
    const rates = fc.record<RateLimits>(
      { requestsPerMinute: fc.nat(), tokensPerMinute: fc.nat(), concurrent: fc.nat() },
      { requiredKeys: [] },
    );
    const models = fc.array(fc.oneof(hostileText, fc.stringMatching(/^[A-Za-z0-9*._:/@+-]{1,80}$/)), { minLength: 1 });
    fc.assert(
      fc.property(budgets, models, rates, (budget, names, rate) => {
        const made = compiled(definition([sandbox('agent', { models: names, rate })], { budget }));
        const config: SandboxStepConfig = JSON.parse(String(payloadOf(made.asl, 'agent.Prepare').step));
        expect([config.models, config.rate]).toEqual([names, rate]);
        const workflow: WorkflowConfig = JSON.parse(String(payloadOf(made.asl, 'Open').workflow));
        expect(workflow.budget).toEqual(budget);
        expect(keysOf(made.asl)).toEqual(keysOf(plain.asl));
        expect(made.aslText.match(/\$\{[^}]*\}?/g)).toEqual(plain.aslText.match(/\$\{[^}]*\}?/g));
      }),
    );
  });

  it('and groups reach the handlers as they were written in a gate', () => {
    const plain = compiled(definition([gate('confirm'), lambda('act', { requires: 'confirm' })]));
    const groupName = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}$/);
    const policies = fc.record<ApprovalPolicy>({
      from: fc.uniqueArray(fc.record({ group: groupName, min: fc.integer({ min: 1, max: 500 }) }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ group }) => group,
      }),
      notRequester: fc.boolean(),
      withinSeconds: fc.integer({ min: 1, max: 86_400 }),
      executeWithinSeconds: fc.integer({ min: 1, max: 365 * 86_400 }),
      otherwise: fc.constantFrom('reject', 'approve'),
    });
    fc.assert(
      fc.property(policies, hostileJson, (approval, subject) => {
        const made = compiled(
          definition([
            gate('confirm', { approval, subject: { literal: subject } }),
            lambda('act', { requires: 'confirm', with: { literal: subject } }),
          ]),
        );
        const config: GateConfig = JSON.parse(String(payloadOf(made.asl, 'confirm.Prepare').step));
        expect(config).toEqual({ kind: 'approval', path: 'confirm', subject: { literal: subject }, approval });
        const acting: LambdaStepConfig = JSON.parse(String(payloadOf(made.asl, 'act.Prepare').step));
        expect([acting.requires, acting.with]).toEqual(['confirm', { literal: subject }]);
        const { gates }: WorkflowConfig = JSON.parse(String(payloadOf(made.asl, 'Open').workflow));
        expect(gates).toEqual([{ path: 'confirm', policy: approval }]);
        expect(keysOf(made.asl)).toEqual(keysOf(plain.asl));
        expect(made.aslText.match(/\$\{[^}]*\}?/g)).toEqual(plain.aslText.match(/\$\{[^}]*\}?/g));
      }),
    );
  });

  it('names no field in JSONPath: names of references become plain aliases', () => {
    fc.assert(
      fc.property(fc.uniqueArray(hostileText, { minLength: 1, maxLength: 5 }), (fields) => {
        const inputSchema = {
          type: 'object',
          properties: Object.fromEntries(fields.map((field) => [field, { type: 'integer', minimum: 0 }])),
          required: fields,
        };
        const waits = fields.map(
          (field, index): Step => ({ kind: 'wait', path: `w${index}`, duration: { secondsFrom: inputRef(field) } }),
        );
        const { asl } = compiled(definition(waits, { inputSchema }));
        const paths = waits.map(({ path }) => String(stateOf(asl, `${path}.Wait`).SecondsPath));
        expect(new Set(paths).size).toBe(fields.length);
        for (const path of paths) expect(path).toMatch(/^\$\.input\.refs\.[A-Za-z][A-Za-z0-9_]*$/);
        const { inputRefs }: WorkflowConfig = JSON.parse(String(payloadOf(asl, 'Open').workflow));
        expect(inputRefs.map(({ path }) => path)).toEqual(fields.map((field) => [field]));
      }),
    );
  });
});

describe('any small workflow', () => {
  const inputSchema = {
    type: 'object',
    properties: { on: { type: 'boolean' }, count: { type: 'integer', minimum: 0 } },
    required: ['on', 'count'],
  };
  const condition = fc.letrec<{ node: Condition }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2 },
      fc.boolean().map((right): Condition => ({ op: 'eq', left: inputRef('on'), right })),
      fc
        .tuple(fc.constantFrom('lt', 'ge', 'ne'), fc.integer())
        .map(([op, right]): Condition => ({ op, left: inputRef('count'), right })),
      tie('node').map((inner): Condition => ({ op: 'not', condition: inner })),
      fc
        .tuple(fc.constantFrom('and', 'or'), fc.array(tie('node'), { minLength: 1, maxLength: 2 }))
        .map(([op, conditions]): Condition => ({ op, conditions })),
    ),
  })).node;
  const blocks = fc.letrec<{ block: Block; step: Step }>((tie) => ({
    block: fc.array(tie('step'), { minLength: 1, maxLength: 2 }),
    step: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      fc.constant<Step>(sandbox('x')),
      fc.constant<Step>(lambda('x')),
      fc.constant<Step>(lambda('x', { approval: policy() })),
      fc.constant<Step>(gate('x')),
      fc.constant<Step>({ kind: 'wait', path: 'x', duration: { secondsFrom: inputRef('count') } }),
      fc
        .tuple(condition, tie('block'), fc.oneof(fc.constant([]), tie('block')))
        .map(([of, whenTrue, otherwise]): Step => {
          // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
          return { kind: 'when', path: 'x', condition: of, then: whenTrue, otherwise };
        }),
      fc
        .dictionary(fc.constantFrom('left', 'right'), tie('block'), { minKeys: 1 })
        .map((branches): Step => ({ kind: 'parallel', path: 'x', branches })),
    ),
  })).block;

  it('compiles to a document that is valid, and of which every state can be reached', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const { asl, aslText } = compiled(definition(bound(withNames(block)), { inputSchema }));
        expect(aslValidator(JSON.parse(aslText)).errorsText()).toBe('');
        expect(unreachable(asl)).toEqual([]);
        expect(unreachableBranches(asl)).toEqual([]);
      }),
      { numRuns: 30 },
    );
    // The validator is slow.
  }, 30_000);
});

/** Gives every step a name of its own. */
function withNames(block: Block): Block {
  let count = 0;
  const name = (step: Step): Step => {
    count += 1;
    const path = `step-${count}`;
    if (step.kind === 'when') {
      // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
      return { ...step, path, then: step.then.map(name), otherwise: step.otherwise.map(name) };
    }
    if (step.kind !== 'parallel') return { ...step, path };
    const branches = Object.entries(step.branches).map(([branch, inner]) => [branch, inner.map(name)]);
    return { ...step, path, branches: Object.fromEntries(branches) };
  };
  return block.map(name);
}

/** Gives each gate, behind it, a step that requires it. */
function bound(block: Block): Block {
  return block.flatMap((step): Block => {
    switch (step.kind) {
      case 'approval':
        return [step, sandbox(`after-${step.path}`, { requires: step.path })];
      case 'when':
        // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
        return [{ ...step, then: bound(step.then), otherwise: bound(step.otherwise) }];
      case 'parallel': {
        const branches = Object.entries(step.branches).map(([branch, inner]) => [branch, bound(inner)]);
        return [{ ...step, branches: Object.fromEntries(branches) }];
      }
      default:
        return [step];
    }
  });
}

function unreachable(document: JsonObject): readonly string[] {
  const states = isJsonObject(document.States) ? document.States : {};
  const reached = new Set<string>();
  const pending = [String(document.StartAt)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const state = states[name];
    if (isJsonObject(state)) pending.push(...targetsOf(state));
  }
  return Object.keys(states).filter((name) => !reached.has(name));
}

function unreachableBranches(document: JsonObject): readonly string[] {
  const states = isJsonObject(document.States) ? Object.values(document.States).filter(isJsonObject) : [];
  const branches = states.flatMap(({ Branches }) => (Array.isArray(Branches) ? Branches.filter(isJsonObject) : []));
  return branches.flatMap((branch) => [...unreachable(branch), ...unreachableBranches(branch)]);
}
