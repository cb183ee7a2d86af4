import { describe, expect, it } from 'vitest';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import { sha256 } from '../../../lib/json.ts';
import { compiled, definition, gate, inputRef, lambda, policy, sandbox } from '../../_helpers/workflow-samples.ts';

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

  it('let the machine ask for approvals where there are gates', () => {
    const resources = (...body: Parameters<typeof definition>[0]) =>
      compiled(definition(body)).permissions[0]?.resources;
    const own = lambda('act', { approval: policy() });
    expect(resources(own)).toEqual([
      '${OpenExecutionFn}',
      '${PrepareStepFn}',
      '${FinishStepFn}',
      '${RequestApprovalFn}',
      '${ExpireApprovalFn}',
      '${InvokeStepFn}',
      '${CloseExecutionFn}',
    ]);
    expect(resources(gate('g'), sandbox('act', { requires: 'g' }))).toEqual([
      '${OpenExecutionFn}',
      '${PrepareStepFn}',
      '${FinishStepFn}',
      '${RequestApprovalFn}',
      '${ExpireApprovalFn}',
      '${CloseExecutionFn}',
    ]);
    expect(resources(lambda('act'))).not.toContain('${RequestApprovalFn}');
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

  it('count an approval that expires, after 6 events of waiting, 5 of Expire and 2 of Approved, for a sandbox also Reserve and Route', () => {
    const events = (...body: Parameters<typeof definition>[0]) => compiled(definition(body)).historyEvents;
    expect(events(lambda('a', { approval: policy() })) - events(lambda('a'))).toBe(13);
    expect(events(sandbox('a', { approval: policy() })) - events(sandbox('a'))).toBe(20);
    // Prepare 5, Route 2, the approval, Finish 5, Next 2.
    expect(events(gate('g'), lambda('a', { requires: 'g' })) - events(lambda('a'))).toBe(27);
  });

  it('count the handle and the text of a gate as those of a step', () => {
    const bytes = (...body: Parameters<typeof definition>[0]) => compiled(definition(body)).stateBytes;
    expect(bytes(gate('g'), lambda('a', { requires: 'g' })) - bytes(lambda('a'))).toBeGreaterThan(400);
    const long = gate('long', { subject: { literal: 'x'.repeat(170 * 1024) } });
    const result = compileWorkflow(definition([long, lambda('a', { requires: 'long' })]), []);
    expect(result.ok ? [] : result.findings).toMatchObject([{ code: 'state_too_large', path: 'sample/long' }]);
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

  it('draws gates with whom they ask, those of steps before them', () => {
    const two = policy({
      from: [
        { group: 'data-owners', min: 1 },
        { group: 'security', min: 2 },
      ],
      withinSeconds: 7200,
    });
    const { graph } = compiled(
      definition([
        gate('confirm', { approval: two }),
        lambda('act', { effects: 'irreversible', requires: 'confirm' }),
        sandbox('tidy-up', { approval: policy({ otherwise: 'approve' }) }),
      ]),
    );
    expect(graph).toBe(`flowchart TD
  start([start])
  s_confirm[/"confirm<br/>1 of data-owners and 2 of security<br/>within 7200 s, otherwise reject"/]
  start --> s_confirm
  s_act[["act<br/>lambda, irreversible<br/>approved by confirm"]]
  s_confirm -->|approved| s_act
  g_s_tidy_up[/"approval of tidy-up<br/>1 of data-owners<br/>within 3600 s, otherwise approve"/]
  s_act --> g_s_tidy_up
  s_tidy_up["tidy-up<br/>sandbox python"]
  g_s_tidy_up -->|approved| s_tidy_up
  done([done])
  s_tidy_up --> done
`);
  });
});
