import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import { isJsonObject, type JsonObject } from '../../../lib/json.ts';
import type { Block, Condition, Effects, WorkflowDefinition } from '../../../lib/workflow/definition.ts';
import {
  compiled,
  definition,
  gate,
  inputRef,
  lambda,
  outputRef,
  policy,
  sandbox,
  stateOf,
  statesOf,
} from '../../_helpers/workflow-samples.ts';

const inputSchema = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };

function findingsOf(body: Block, fields: Partial<WorkflowDefinition> = {}): readonly string[] {
  const result = compileWorkflow(definition(body, { inputSchema, ...fields }), []);
  return result.ok ? [] : result.findings.map(({ code, path }) => `${code} ${path}`);
}

const isOn: Condition = { op: 'eq', left: inputRef('on'), right: true };

function when(path: string, whenTrue: Block, otherwise: Block = []): Block[number] {
  // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
  return { kind: 'when', path, condition: isOn, then: whenTrue, otherwise };
}

const needs = (path: string, requires: string) => lambda(path, { requires });

describe('findings of approvals', () => {
  it('name the workflow that has the name of the tenants', () => {
    expect(findingsOf([sandbox('a')], { name: 'tenant' })).toEqual(['invalid_name tenant']);
    expect(findingsOf([sandbox('tenant')], { name: 'tenants' })).toEqual([]);
  });

  it('name irreversible steps that nobody approves, and only those', () => {
    const irreversible = { effects: 'irreversible' } as const;
    expect(findingsOf([lambda('a', irreversible)])).toEqual(['irreversible_without_approval sample/a.effects']);
    expect(findingsOf([sandbox('a', irreversible)])).toEqual(['irreversible_without_approval sample/a.effects']);
    expect(findingsOf([lambda('a', { ...irreversible, approval: policy() })])).toEqual([]);
    expect(findingsOf([gate('g'), lambda('a', { ...irreversible, requires: 'g' })])).toEqual([]);
  });

  it.each<[Effects, boolean]>([
    ['none', true],
    ['reversible', true],
    ['compensatable', false],
    ['irreversible', false],
  ])('let an expiry approve effects that are %s: %s', (effects, allowed) => {
    const approval = policy({ otherwise: 'approve' });
    expect(findingsOf([lambda('a', { effects, approval })])).toEqual(
      allowed ? [] : ['invalid_approval sample/a.approval.otherwise'],
    );
    expect(findingsOf([gate('g', { approval }), lambda('a', { effects, requires: 'g' })])).toEqual(
      allowed ? [] : ['invalid_approval sample/g.otherwise'],
    );
  });

  it('name a step with both an approval and a gate', () => {
    expect(findingsOf([gate('g'), lambda('a', { approval: policy(), requires: 'g' })])).toEqual([
      'invalid_approval sample/a.requires',
    ]);
  });

  it('hold the policies of gates as they hold those of steps', () => {
    const approval = policy({ from: [], withinSeconds: 0, executeWithinSeconds: -1 });
    expect(findingsOf([gate('g', { approval }), needs('a', 'g')])).toEqual([
      'invalid_approval sample/g.from',
      'invalid_duration sample/g.within',
      'invalid_duration sample/g.executeWithin',
    ]);
    expect(findingsOf([lambda('a', { approval })])).toEqual([
      'invalid_approval sample/a.approval.from',
      'invalid_duration sample/a.approval.within',
      'invalid_duration sample/a.approval.executeWithin',
    ]);
  });

  it('bound the wait by the workflow, and both times by a year', () => {
    const year = 365 * 86_400;
    const timed = (withinSeconds: number, executeWithinSeconds: number, timeoutSeconds: number) =>
      findingsOf([lambda('a', { approval: policy({ withinSeconds, executeWithinSeconds }) })], { timeoutSeconds });
    expect(timed(7200, year, 7200)).toEqual([]);
    expect(timed(7201, 1, 7200)).toEqual(['invalid_duration sample/a.approval.within']);
    expect(timed(7200, year + 1, 7200)).toEqual(['invalid_duration sample/a.approval.executeWithin']);
    // The time limit of the workflow is wrong itself, and above the year.
    expect(timed(year + 1, 1, 2 * year)).toEqual([
      'invalid_duration sample',
      'invalid_duration sample/a.approval.within',
    ]);
  });

  it('hold the names of gates as those of steps', () => {
    expect(findingsOf([gate('G 1'), needs('a', 'G 1')])).toEqual(['invalid_name sample/G 1']);
    expect(findingsOf([gate('g'), needs('a', 'g'), sandbox('g')])).toEqual(['duplicate_step sample/g']);
  });

  it('hold the references of a subject', () => {
    const later = gate('g', { subject: { object: { risk: { ref: outputRef('later', 'risk') } } } });
    const earlier = sandbox('later', {
      outputSchema: { type: 'object', properties: { risk: { type: 'number' } }, required: ['risk'] },
    });
    expect(findingsOf([later, needs('a', 'g'), earlier])).toEqual(['reference_may_not_have_run sample/g.subject']);
    expect(findingsOf([earlier, later, needs('a', 'g')])).toEqual([]);
    expect(findingsOf([gate('g', { subject: { ref: inputRef('nope') } }), needs('a', 'g')])).toEqual([
      'unknown_reference sample/g.subject',
    ]);
  });

  it('know that a gate has no output and no workspace', () => {
    const body = [gate('g'), needs('a', 'g'), sandbox('b', { input: { ref: outputRef('g') } })];
    expect(findingsOf(body)).toEqual(['unknown_reference sample/b.input']);
    expect(findingsOf([gate('g'), needs('a', 'g'), sandbox('b', { workspaceFrom: 'g' })])).toEqual([
      'workspace_not_kept sample/b.workspace',
    ]);
  });
});

describe('a gate', () => {
  it.each<[string, Block]>([
    ['directly before it', [gate('g'), needs('a', 'g')]],
    ['with steps between them', [gate('g'), sandbox('b'), needs('a', 'g')]],
    ['around its block', [gate('g'), when('w', [needs('a', 'g')])]],
    ['in the same block', [when('w', [gate('g'), needs('a', 'g')])]],
    [
      'in a branch of a parallel before it',
      [{ kind: 'parallel', path: 'p', branches: { x: [gate('g')], y: [sandbox('b')] } }, needs('a', 'g')],
    ],
  ])('protects a step %s', (_what, body) => {
    expect(findingsOf(body)).toEqual([]);
  });

  it.each<[string, Block]>([
    ['a later one', [needs('a', 'g'), gate('g')]],
    ['one of a `when`, outside it', [when('w', [gate('g')]), needs('a', 'g')]],
    ['one of the other block', [when('w', [gate('g')], [needs('a', 'g')])]],
    ['one of a sibling branch', [{ kind: 'parallel', path: 'p', branches: { x: [gate('g')], y: [needs('a', 'g')] } }]],
    ['none at all', [needs('a', 'nobody')]],
    ['another kind of step', [sandbox('b'), needs('a', 'b')]],
    ['the step itself', [needs('a', 'a')]],
  ])('is not %s', (_what, body) => {
    expect(findingsOf(body)).toEqual(['approval_not_bound sample/a.requires']);
  });

  it('protects one step, not two and not none', () => {
    expect(findingsOf([gate('g'), needs('a', 'g'), needs('b', 'g'), needs('c', 'g')])).toEqual([
      'approval_not_bound sample/b.requires',
      'approval_not_bound sample/c.requires',
    ]);
    expect(findingsOf([gate('g'), when('w', [needs('a', 'g')], [needs('b', 'g')])])).toEqual([
      'approval_not_bound sample/b.requires',
    ]);
    expect(findingsOf([gate('g'), sandbox('a')])).toEqual(['approval_not_bound sample/g']);
  });
});

function aslOf(body: Block, fields: Partial<WorkflowDefinition> = {}): JsonObject {
  const { asl, aslText } = compiled(definition(body, { inputSchema, ...fields }));
  // Parsed anew, because the validator writes into what it gets.
  expect(aslValidator(JSON.parse(aslText)).errorsText()).toBe('');
  return asl;
}

function configOf(asl: JsonObject, state: string, field: string): unknown {
  const { Parameters } = stateOf(asl, state);
  const payload = isJsonObject(Parameters) && isJsonObject(Parameters.Payload) ? Parameters.Payload : {};
  return JSON.parse(String(payload[field]));
}

const retry = { IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 7, MaxDelaySeconds: 60, JitterStrategy: 'FULL' };

describe('the states of an approval', () => {
  const approval = policy({ withinSeconds: 7200 });
  const asl = aslOf([lambda('act', { effects: 'irreversible', approval }), sandbox('after')]);

  it('are entered where Prepare asks, and left out where a step has none', () => {
    expect(stateOf(asl, 'act.Route')).toEqual({
      Type: 'Choice',
      Choices: [
        { Variable: '$.step.route', StringEquals: 'run', Next: 'act.Run' },
        { Variable: '$.step.route', StringEquals: 'ask', Next: 'act.Approve' },
      ],
      Default: 'act.Finish',
    });
    expect([...statesOf(asl).keys()].filter((name) => /Appr|Expire/.test(name))).toEqual([
      'act.Approve',
      'act.Expire',
      'act.Approved',
    ]);
    expect(stateOf(asl, 'after.Route').Choices).toHaveLength(1);
  });

  it('wait with a task token, a second longer than the approval lasts, and are no failure when that is over', () => {
    expect(stateOf(asl, 'act.Approve')).toEqual({
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: {
        FunctionName: '${RequestApprovalFn}',
        Payload: { schema: 1, 'approvalId.$': '$.step.approvalId', 'taskToken.$': '$$.Task.Token' },
      },
      TimeoutSeconds: 7201,
      ResultSelector: { 'decision.$': '$.decision' },
      Retry: [{ ErrorEquals: ['States.TaskFailed'], ...retry }],
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.step.approved', Next: 'act.Expire' }],
      ResultPath: '$.step.approved',
      Next: 'act.Approved',
    });
  });

  it('ask the record where the wait ended without a decision, whose answer replaces the error', () => {
    expect(stateOf(asl, 'act.Expire')).toEqual({
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: {
        FunctionName: '${ExpireApprovalFn}',
        Payload: { schema: 1, 'approvalId.$': '$.step.approvalId' },
      },
      TimeoutSeconds: 120,
      ResultSelector: { 'decision.$': '$.Payload.decision' },
      Retry: [{ ErrorEquals: ['States.TaskFailed', 'States.Timeout'], ...retry }],
      ResultPath: '$.step.approved',
      Next: 'act.Approved',
    });
  });

  it('lead to Run by the word granted, and to Finish by everything else', () => {
    expect(stateOf(asl, 'act.Approved')).toEqual({
      Type: 'Choice',
      Choices: [{ Variable: '$.step.approved.decision', StringEquals: 'granted', Next: 'act.Run' }],
      Default: 'act.Finish',
    });
  });

  it('leave what Run was caught with to Run', () => {
    const catching = [...statesOf(asl)].filter(([, state]) => JSON.stringify(state).includes('$.step.caught'));
    expect(catching.map(([name]) => name)).toEqual(['act.Run', 'after.Run']);
  });

  it('get the id that Prepare answers', () => {
    for (const step of ['act', 'after']) {
      expect(stateOf(asl, `${step}.Prepare`).ResultSelector).toEqual({
        'attempt.$': '$.Payload.attempt',
        'route.$': '$.Payload.route',
        'leaseId.$': '$.Payload.leaseId',
        'code.$': '$.Payload.code',
        'approvalId.$': '$.Payload.approvalId',
      });
    }
  });

  it('are of sandbox steps too, which get their money when they were granted', () => {
    const sandboxed = aslOf([sandbox('act', { approval })]);
    expect(stateOf(sandboxed, 'act.Approved').Choices).toMatchObject([{ Next: 'act.Reserve' }]);
    expect(stateOf(sandboxed, 'act.Reserve')).toMatchObject({
      Parameters: {
        FunctionName: '${PrepareStepFn}',
        Payload: {
          schema: 1,
          'executionId.$': '$.execution.id',
          step: expect.stringContaining('"path":"act"'),
          'prepared.$': '$.step',
        },
      },
      ResultSelector: stateOf(sandboxed, 'act.Prepare').ResultSelector,
      ResultPath: '$.step',
      Next: 'act.Route',
    });
    expect(stateOf(sandboxed, 'act.Run').Resource).toBe('arn:aws:states:::ecs:runTask.sync');
  });

  it('stand inside a branch like every other state', () => {
    const inside = aslOf([
      { kind: 'parallel', path: 'p', branches: { x: [lambda('act', { approval })], y: [sandbox('b')] } },
    ]);
    expect(stateOf(inside, 'act.Approve').Next).toBe('act.Approved');
    expect(Object.keys(isJsonObject(inside.States) ? inside.States : {})).not.toContain('act.Approve');
  });
});

describe('the states of a gate', () => {
  const subject = { object: { on: { ref: inputRef('on') } } };
  const asl = aslOf([
    gate('confirm-it', { subject }),
    lambda('act', { effects: 'irreversible', requires: 'confirm-it' }),
  ]);

  it('have no Run: what is granted is finished', () => {
    expect([...statesOf(asl).keys()].filter((name) => name.startsWith('confirm-it.'))).toEqual([
      'confirm-it.Prepare',
      'confirm-it.Route',
      'confirm-it.Approve',
      'confirm-it.Expire',
      'confirm-it.Approved',
      'confirm-it.Finish',
      'confirm-it.Next',
      'confirm-it.Wait',
      'confirm-it.Fail',
    ]);
    expect(stateOf(asl, 'confirm-it.Route')).toEqual({
      Type: 'Choice',
      Choices: [{ Variable: '$.step.route', StringEquals: 'ask', Next: 'confirm-it.Approve' }],
      Default: 'confirm-it.Finish',
    });
    expect(stateOf(asl, 'confirm-it.Approved')).toMatchObject({
      Choices: [{ StringEquals: 'granted', Next: 'confirm-it.Finish' }],
      Default: 'confirm-it.Finish',
    });
    expect(stateOf(asl, 'confirm-it.Next').Choices).toMatchObject([{ Next: 'act.Prepare' }, {}]);
  });

  it('have no target, and the same text for Prepare and Finish', () => {
    expect(stateOf(asl, 'confirm-it.Prepare')).toMatchObject({
      Parameters: { FunctionName: '${PrepareStepFn}', Payload: { target: null } },
      ResultPath: '$.step',
    });
    const config = { kind: 'approval', path: 'confirm-it', subject, approval: policy() };
    expect(configOf(asl, 'confirm-it.Prepare', 'step')).toEqual(config);
    expect(configOf(asl, 'confirm-it.Finish', 'step')).toEqual(config);
    expect(stateOf(asl, 'confirm-it.Finish')).toMatchObject({
      Parameters: { FunctionName: '${FinishStepFn}', Payload: { 'prepared.$': '$.step' } },
      ResultPath: '$.steps.confirm_it',
    });
  });

  it('are not those of the step that it protects, which is told of the gate', () => {
    expect(stateOf(asl, 'act.Route').Choices).toEqual([
      { Variable: '$.step.route', StringEquals: 'run', Next: 'act.Run' },
    ]);
    expect(configOf(asl, 'act.Prepare', 'step')).toMatchObject({ requires: 'confirm-it' });
    expect(configOf(asl, 'act.Prepare', 'step')).not.toHaveProperty('approval');
  });

  it('hand on their key, also out of a branch', () => {
    const inside = aslOf([
      { kind: 'parallel', path: 'p', branches: { x: [gate('g')], y: [sandbox('b')] } },
      lambda('act', { requires: 'g' }),
    ]);
    expect(stateOf(inside, 'p.Parallel').ResultSelector).toMatchObject({ 'g.$': '$[0].g', 'b.$': '$[1].b' });
    expect(stateOf(inside, 'p.x.End').Parameters).toMatchObject({ 'g.$': '$.steps.g' });
  });
});

describe('what Open is told', () => {
  it('is every gate with its policy, and the steps with the stand-alone ones among them', () => {
    const two = policy({ from: [{ group: 'security', min: 2 }] });
    const asl = aslOf(
      [
        gate('confirm-it'),
        when('w', [sandbox('plan', { approval: two })]),
        lambda('act', { requires: 'confirm-it' }),
        lambda('free'),
      ],
      { maxConcurrent: 3 },
    );
    expect(configOf(asl, 'Open', 'workflow')).toMatchObject({
      steps: [
        { path: 'confirm-it', kind: 'approval' },
        { path: 'plan', kind: 'sandbox' },
        { path: 'act', kind: 'lambda' },
        { path: 'free', kind: 'lambda' },
      ],
      stepKeys: ['confirm_it', 'plan', 'act', 'free'],
      maxConcurrent: 3,
    });
    expect(configOf(asl, 'Open', 'workflow')).toHaveProperty('gates', [
      { path: 'confirm-it', policy: policy() },
      { path: 'plan', policy: two },
    ]);
    expect(configOf(asl, 'plan.Prepare', 'step')).toMatchObject({ approval: two });
  });

  it('has no bound where the workflow has none', () => {
    expect(configOf(aslOf([sandbox('a')]), 'Open', 'workflow')).not.toHaveProperty('maxConcurrent');
  });
});
