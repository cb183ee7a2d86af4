import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '../../../lib/json.ts';
import type { Block, Condition } from '../../../lib/workflow/definition.ts';
import {
  compiled,
  definition,
  inputRef,
  lambda,
  outputRef,
  sandbox,
  stateOf,
  statesOf,
} from '../../_helpers/workflow-samples.ts';

function aslOf(body: Block, inputSchema: JsonObject = { type: 'object', properties: {} }): JsonObject {
  const { asl, aslText } = compiled(definition(body, { inputSchema }));
  // Parsed anew, because the validator writes into what it gets.
  expect(aslValidator(JSON.parse(aslText)).errorsText()).toBe('');
  return asl;
}

function payloadOf(asl: JsonObject, state: string): JsonObject {
  const parameters = stateOf(asl, state).Parameters;
  const payload = isJsonObject(parameters) ? parameters.Payload : undefined;
  return isJsonObject(payload) ? payload : {};
}

function configOf(asl: JsonObject, state: string, field: string): unknown {
  return JSON.parse(String(payloadOf(asl, state)[field]));
}

/** The states that an execution enters when every choice takes its first rule. */
function happyPath(asl: JsonObject): readonly string[] {
  const path: string[] = [];
  for (let name = String(asl.StartAt); ; ) {
    path.push(name);
    const state = stateOf(asl, name);
    const [rule] = Array.isArray(state.Choices) ? state.Choices.filter(isJsonObject) : [];
    const next = rule === undefined ? state.Next : rule.Next;
    if (typeof next !== 'string') return path;
    name = next;
  }
}

describe('the frame', () => {
  const asl = aslOf([sandbox('agent')]);

  it('opens, runs, closes and succeeds with the output that Close answered', () => {
    expect(happyPath(asl)).toEqual([
      'Open',
      'Opened',
      'Begin',
      'agent.Prepare',
      'agent.Route',
      'agent.Run',
      'agent.Finish',
      'agent.Next',
      'Close',
      'Closed',
      'Done',
    ]);
    expect(stateOf(asl, 'Done')).toEqual({ Type: 'Succeed', OutputPath: '$.output' });
  });

  it('fails with what Open or Close answered', () => {
    expect(stateOf(asl, 'Opened').Default).toBe('Failed');
    expect(stateOf(asl, 'Closed').Default).toBe('Failed');
    expect(stateOf(asl, 'Failed')).toEqual({ Type: 'Fail', ErrorPath: '$.error.code', CausePath: '$.error.message' });
  });

  it('has the machine end ten minutes after the workflow, as a backstop', () => {
    expect(asl.TimeoutSeconds).toBe(86_400 + 600);
  });

  it('takes the execution id from the context object in Open alone', () => {
    const fromContext = [...statesOf(asl)].filter(([, state]) => JSON.stringify(state).includes('$$.Execution.Id'));
    expect(fromContext.map(([name]) => name)).toEqual(['Open']);
  });

  it('seeds every step, and tells Open what the graph reads of the input', () => {
    const inputSchema = { type: 'object', properties: { 'a b': { type: 'integer', minimum: 0 } }, required: ['a b'] };
    const seeded = aslOf(
      [sandbox('plan-it'), lambda('act'), { kind: 'wait', path: 'pause', duration: { secondsFrom: inputRef('a b') } }],
      inputSchema,
    );
    expect(configOf(seeded, 'Open', 'workflow')).toEqual({
      name: 'sample',
      inputSchema,
      timeoutSeconds: 86_400,
      steps: [
        { path: 'plan-it', kind: 'sandbox' },
        { path: 'act', kind: 'lambda' },
      ],
      stepKeys: ['plan_it', 'act'],
      inputRefs: [{ alias: 'a_b', path: ['a b'] }],
      gates: [],
    });
    expect(stateOf(seeded, 'pause.Wait')).toMatchObject({ SecondsPath: '$.input.refs.a_b' });
  });
});

describe('a sandbox step', () => {
  const asl = aslOf([sandbox('plan-it', { timeoutSeconds: 100 })]);

  it('costs five transitions', () => {
    expect(happyPath(asl).filter((name) => name.startsWith('plan-it.'))).toHaveLength(5);
  });

  it('is a loop that Finish steers', () => {
    expect(stateOf(asl, 'plan-it.Next')).toEqual({
      Type: 'Choice',
      Choices: [
        { Variable: '$.steps.plan_it.next', StringEquals: 'ok', Next: 'Close' },
        { Variable: '$.steps.plan_it.next', StringEquals: 'again', Next: 'plan-it.Wait' },
      ],
      Default: 'plan-it.Fail',
    });
    expect(stateOf(asl, 'plan-it.Wait')).toEqual({
      Type: 'Wait',
      SecondsPath: '$.steps.plan_it.waitSeconds',
      Next: 'plan-it.Prepare',
    });
    expect(stateOf(asl, 'plan-it.Fail')).toEqual({
      Type: 'Fail',
      ErrorPath: '$.steps.plan_it.error.code',
      CausePath: '$.steps.plan_it.error.message',
    });
  });

  it('goes to Finish without running where Prepare denies it', () => {
    expect(stateOf(asl, 'plan-it.Route')).toMatchObject({
      Choices: [{ Variable: '$.step.route', StringEquals: 'run', Next: 'plan-it.Run' }],
      Default: 'plan-it.Finish',
    });
  });

  it('runs as a task whose result is discarded and whose every error goes to Finish', () => {
    const run = stateOf(asl, 'plan-it.Run');
    expect(run).toMatchObject({
      Resource: 'arn:aws:states:::ecs:runTask.sync',
      TimeoutSeconds: 1000,
      ResultPath: null,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.step.caught', Next: 'plan-it.Finish' }],
    });
    expect(run).not.toHaveProperty('Retry');
    // AWS knows no other ones for `runTask.sync`, `StartedBy` in particular, and the local AWS takes all.
    expect(run.Parameters).toEqual({
      Cluster: '${SandboxCluster}',
      TaskDefinition: '${TaskDefinition_plan_it}',
      LaunchType: 'FARGATE',
      EnableExecuteCommand: false,
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          'Subnets.$': "States.StringSplit('${SandboxSubnets}', ',')",
          SecurityGroups: ['${SandboxSecurityGroup}'],
          AssignPublicIp: '${AssignPublicIp}',
        },
      },
      Overrides: {
        ContainerOverrides: [
          {
            Name: 'sandbox',
            Environment: [
              { Name: 'WFLO_API', Value: '${SandboxApiUrl}' },
              { Name: 'WFLO_EXECUTION', 'Value.$': '$.execution.id' },
              { Name: 'WFLO_STEP', Value: 'plan-it' },
              { Name: 'WFLO_ATTEMPT', 'Value.$': "States.Format('{}', $.step.attempt)" },
              { Name: 'WFLO_LEASE', 'Value.$': '$.step.leaseId' },
              { Name: 'WFLO_CODE', 'Value.$': '$.step.code' },
            ],
          },
        ],
      },
    });
  });

  it('gives Prepare its configuration and, beside it, what the construct fills in', () => {
    const payload = payloadOf(asl, 'plan-it.Prepare');
    expect(payload).toMatchObject({
      'executionId.$': '$.execution.id',
      'enteredAt.$': '$$.State.EnteredTime',
      target: { taskDefinition: '${TaskDefinition_plan_it}', codeSha256: '${CodeSha256_plan_it}' },
      'input.$': '$.input',
      'steps.$': '$.steps',
    });
    expect(configOf(asl, 'plan-it.Prepare', 'step')).toMatchObject({
      kind: 'sandbox',
      path: 'plan-it',
      image: 'python',
    });
    expect(payloadOf(asl, 'plan-it.Finish').step).toBe(payload.step);
  });

  it('tells Prepare which workspace it begins with and whether it keeps one, and nothing where there is neither', () => {
    const carrying = aslOf([
      sandbox('clone', { keepWorkspace: true }),
      sandbox('build', { workspaceFrom: 'clone' }),
      sandbox('plain'),
    ]);
    expect(configOf(carrying, 'clone.Prepare', 'step')).toMatchObject({ keepWorkspace: true });
    expect(configOf(carrying, 'build.Prepare', 'step')).toMatchObject({ workspaceFrom: 'clone' });
    const plain = configOf(carrying, 'plain.Prepare', 'step');
    expect(plain).not.toHaveProperty('keepWorkspace');
    expect(plain).not.toHaveProperty('workspaceFrom');
  });
});

describe('a lambda step', () => {
  const asl = aslOf([lambda('act', { timeoutSeconds: 30, with: { ref: inputRef() } })]);

  it('runs by the function that claims for it, which gets no data but the lease', () => {
    expect(stateOf(asl, 'act.Run')).toMatchObject({
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: {
        FunctionName: '${InvokeStepFn}',
        Payload: {
          schema: 1,
          'executionId.$': '$.execution.id',
          path: 'act',
          'attempt.$': '$.step.attempt',
          'leaseId.$': '$.step.leaseId',
          'code.$': '$.step.code',
        },
      },
      TimeoutSeconds: 930,
      ResultPath: null,
    });
    expect(payloadOf(asl, 'act.Prepare').target).toEqual({ functionArn: '${Function_act}' });
  });
});

it('repeats every Lambda state for a lost worker, with a limit and jitter, and keeps named fields only', () => {
  const asl = aslOf([sandbox('agent'), lambda('act')]);
  const lambdas = [...statesOf(asl)].filter(([, state]) => state.Resource === 'arn:aws:states:::lambda:invoke');
  expect(lambdas.map(([name]) => name).sort()).toEqual(
    ['Close', 'Open', 'act.Finish', 'act.Prepare', 'act.Run', 'agent.Finish', 'agent.Prepare'].sort(),
  );
  for (const [, state] of lambdas) {
    expect(state.Retry).toMatchObject([
      { ErrorEquals: ['States.TaskFailed', 'States.Timeout'], JitterStrategy: 'FULL' },
    ]);
    expect(state.TimeoutSeconds).toBeGreaterThan(0);
    expect(state.ResultPath === null || isJsonObject(state.ResultSelector)).toBe(true);
  }
});

describe('a `when`', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      word: { type: 'string' },
      count: { type: 'integer' },
      on: { type: 'boolean' },
      rate: { type: 'number' },
    },
    required: ['word', 'count', 'on', 'rate'],
  };
  const when = (condition: Condition, otherwise: Block = []): JsonObject => {
    // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
    const step = { kind: 'when', path: 'check', condition, then: [sandbox('yes')], otherwise } as const;
    return stateOf(aslOf([step, sandbox('after')], inputSchema), 'check.When');
  };

  it.each<[Condition, JsonObject]>([
    [
      { op: 'eq', left: inputRef('word'), right: 'a' },
      { Variable: '$.input.refs.word', StringEquals: 'a' },
    ],
    [{ op: 'ne', left: inputRef('on'), right: true }, { Not: { Variable: '$.input.refs.on', BooleanEquals: true } }],
    [
      { op: 'lt', left: inputRef('count'), right: 3 },
      { Variable: '$.input.refs.count', NumericLessThan: 3 },
    ],
    [
      { op: 'le', left: inputRef('word'), right: 'b' },
      { Variable: '$.input.refs.word', StringLessThanEquals: 'b' },
    ],
    [
      { op: 'gt', left: inputRef('count'), right: inputRef('rate') },
      { Variable: '$.input.refs.count', NumericGreaterThanPath: '$.input.refs.rate' },
    ],
    [
      { op: 'not', condition: { op: 'or', conditions: [{ op: 'ge', left: inputRef('rate'), right: 0.5 }] } },
      { Not: { Or: [{ Variable: '$.input.refs.rate', NumericGreaterThanEquals: 0.5 }] } },
    ],
  ])('%j is %j', (condition, rule) => {
    expect(when(condition)).toEqual({
      Type: 'Choice',
      Choices: [{ ...rule, Next: 'yes.Prepare' }],
      Default: 'after.Prepare',
    });
  });

  it('goes on after either block', () => {
    expect(when({ op: 'eq', left: inputRef('on'), right: true }, [sandbox('no')]).Default).toBe('no.Prepare');
  });

  it('reads the outputs of steps by aliases that Finish is told', () => {
    const outputSchema = {
      type: 'object',
      properties: {
        a: { type: 'object', properties: { b: { type: 'number' } }, required: ['b'] },
        a_b: { type: 'number' },
      },
      required: ['a', 'a_b'],
    };
    const condition: Condition = {
      op: 'lt',
      left: outputRef('plan-it', 'a', 'b'),
      right: outputRef('plan-it', 'a_b'),
    };
    // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
    const step = { kind: 'when', path: 'check', condition, then: [sandbox('yes')], otherwise: [] } as const;
    const asl = aslOf([sandbox('plan-it', { outputSchema }), step]);
    expect(stateOf(asl, 'check.When')).toMatchObject({
      Choices: [{ Variable: '$.steps.plan_it.refs.a_b', NumericLessThanPath: '$.steps.plan_it.refs.a_b_2' }],
    });
    expect(configOf(asl, 'plan-it.Finish', 'step')).toMatchObject({
      refs: [
        { alias: 'a_b', path: ['a', 'b'] },
        { alias: 'a_b_2', path: ['a_b'] },
      ],
    });
  });
});

describe('a parallel', () => {
  it('merges every step key, each from the branch that ran it, as large as the state and not larger', () => {
    const body: Block = [
      sandbox('before'),
      {
        kind: 'parallel',
        path: 'both',
        branches: { left: [sandbox('l')], right: [sandbox('r-one'), sandbox('r-two')] },
      },
      sandbox('after'),
    ];
    const asl = aslOf(body);
    expect(stateOf(asl, 'both.Parallel')).toMatchObject({
      ResultSelector: {
        'before.$': '$[0].before',
        'l.$': '$[0].l',
        'after.$': '$[0].after',
        'r_one.$': '$[1].r_one',
        'r_two.$': '$[1].r_two',
      },
      ResultPath: '$.steps',
      Next: 'after.Prepare',
    });
    expect(stateOf(asl, 'both.left.End').Parameters).toEqual({
      'before.$': '$.steps.before',
      'l.$': '$.steps.l',
      'after.$': '$.steps.after',
    });
    expect(stateOf(asl, 'both.right.End').Parameters).toEqual({
      'r_one.$': '$.steps.r_one',
      'r_two.$': '$.steps.r_two',
    });
  });

  it('nests, and its branches end in themselves', () => {
    const inner: Block = [{ kind: 'parallel', path: 'inner', branches: { x: [lambda('a')], y: [lambda('b')] } }];
    const asl = aslOf([{ kind: 'parallel', path: 'outer', branches: { left: inner, right: [sandbox('c')] } }]);
    expect(Object.keys(stateOf(asl, 'inner.Parallel').ResultSelector ?? {}).sort()).toEqual(['a.$', 'b.$', 'c.$']);
    expect(stateOf(asl, 'inner.Parallel').Next).toBe('outer.left.End');
    expect(stateOf(asl, 'outer.left.End').End).toBe(true);
  });

  it('leaves the state alone where no branch has a step with an output', () => {
    const wait = (path: string): Block => [{ kind: 'wait', path, duration: { seconds: 1 } }];
    const asl = aslOf([{ kind: 'parallel', path: 'both', branches: { a: wait('w'), b: wait('v') } }]);
    expect(stateOf(asl, 'both.Parallel')).toMatchObject({ ResultPath: null });
    expect(stateOf(asl, 'both.Parallel')).not.toHaveProperty('ResultSelector');
    expect(stateOf(asl, 'both.a.End')).toEqual({ Type: 'Pass', Result: {}, End: true });
  });
});
