import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../lib/json.ts';
import { compiled, definition, inputRef, lambda, sandbox } from '../../_helpers/workflow-samples.ts';

const both = compiled(
  definition([sandbox('plan-it', { code: './agent', cpu: 1, memoryMib: 2048 }), sandbox('bare'), lambda('act')]),
);

describe('a compiled workflow', () => {
  it('lists a task definition for each sandbox and a function for each lambda step', () => {
    const limits = { timeoutSeconds: 600, attempts: 3 };
    expect(both.sandboxes).toEqual([
      { key: 'plan_it', path: 'plan-it', image: 'python', cpu: 1, memoryMib: 2048, ...limits, code: './agent' },
      { key: 'bare', path: 'bare', image: 'python', cpu: 0.25, memoryMib: 512, ...limits },
    ]);
    expect(both.functions).toEqual([
      { key: 'act', path: 'act', function: './functions/f.ts', memoryMib: 256, timeoutSeconds: 60 },
    ]);
  });

  it('is named by the hash of its text', () => {
    expect(both.definitionHash).toBe(sha256(both.aslText));
    expect(JSON.parse(both.aslText)).toEqual(both.asl);
    expect(both.aslText.endsWith('}\n')).toBe(true);
  });

  it('is the same for the same definition', () => {
    const again = compiled(
      definition([sandbox('plan-it', { code: './agent', cpu: 1, memoryMib: 2048 }), sandbox('bare'), lambda('act')]),
    );
    expect(again).toEqual(both);
  });
});

describe('permissions', () => {
  const granted = (of: typeof both) => of.permissions.flatMap(({ actions }) => actions);

  it('are what runTask.sync and the handlers need, each with its reason', () => {
    expect(both.permissions.map(({ actions, resources, conditions }) => ({ actions, resources, conditions }))).toEqual([
      {
        actions: ['lambda:InvokeFunction'],
        resources: [
          '${OpenExecutionFn}',
          '${PrepareStepFn}',
          '${FinishStepFn}',
          '${InvokeStepFn}',
          '${CloseExecutionFn}',
        ],
        conditions: undefined,
      },
      {
        actions: ['ecs:RunTask'],
        resources: ['${TaskDefinition_plan_it}', '${TaskDefinition_bare}'],
        conditions: undefined,
      },
      { actions: ['ecs:StopTask', 'ecs:DescribeTasks'], resources: ['*'], conditions: undefined },
      {
        actions: ['iam:PassRole'],
        resources: ['${ExecutionRoles}'],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      },
      {
        actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
        resources: ['arn:aws:events:*:*:rule/StepFunctionsGetEventsForECSTaskRule'],
        conditions: undefined,
      },
    ]);
    expect(both.permissions.every(({ reason }) => reason.length > 20)).toBe(true);
  });

  it('hold nothing that the workflow does not use', () => {
    expect(granted(compiled(definition([lambda('act')])))).toEqual(['lambda:InvokeFunction']);
    expect(compiled(definition([sandbox('agent')])).permissions[0]?.resources).not.toContain('${InvokeStepFn}');
    const onlyWaits = compiled(definition([{ kind: 'wait', path: 'pause', duration: { seconds: 1 } }]));
    expect(onlyWaits.permissions[0]?.resources).toEqual(['${OpenExecutionFn}', '${CloseExecutionFn}']);
  });

  it('never grant a step function: only invoke-step may call one', () => {
    expect(JSON.stringify(both.permissions)).not.toContain('${Function_');
  });
});

describe('bounds', () => {
  it('count the history of the longest way, without repeats', () => {
    // Started, Open 5, Opened 2, Begin 2, Close 5, Closed 2, Done 2, succeeded.
    const frame = 20;
    const wait = { kind: 'wait', path: 'pause', duration: { seconds: 1 } } as const;
    expect(compiled(definition([wait])).historyEvents).toBe(frame + 2);
    expect(compiled(definition([sandbox('a')])).historyEvents).toBe(frame + 20);
    expect(compiled(definition([lambda('a')])).historyEvents).toBe(frame + 19);
  });

  it('grow with the steps', () => {
    const one = compiled(definition([sandbox('a')])).stateBytes;
    const two = compiled(definition([sandbox('a'), sandbox('b')])).stateBytes;
    expect(two - one).toBeGreaterThan(400);
  });
});

describe('the graph', () => {
  it('is a Mermaid flowchart with one node a step', () => {
    const inputSchema = { type: 'object', properties: { mode: { type: 'string' } }, required: ['mode'] };
    const { graph } = compiled(
      definition(
        [
          sandbox('plan-it'),
          {
            kind: 'when',
            path: 'check',
            condition: { op: 'eq', left: inputRef('mode'), right: 'a"];x' },
            // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
            then: [lambda('act', { effects: 'reversible' })],
            otherwise: [],
          },
          {
            kind: 'parallel',
            path: 'both',
            branches: { left: [sandbox('end')], right: [{ kind: 'wait', path: 'pause', duration: { seconds: 5 } }] },
          },
        ],
        { inputSchema },
      ),
    );
    expect(graph).toBe(`flowchart TD
  start([start])
  s_plan_it["plan-it<br/>sandbox python"]
  start --> s_plan_it
  s_check{"check<br/>input.mode = #34;a#92;#34;#93;#59;x#34;"}
  s_plan_it --> s_check
  s_act[["act<br/>lambda, reversible"]]
  s_check -->|yes| s_act
  s_both{{"both<br/>parallel"}}
  s_act --> s_both
  s_check -->|no| s_both
  s_end["end<br/>sandbox python"]
  s_both -->|left| s_end
  s_pause("pause<br/>wait 5 s")
  s_both -->|right| s_pause
  s_both_join{{"all done"}}
  s_end --> s_both_join
  s_pause --> s_both_join
  done([done])
  s_both_join --> done
`);
  });
});
