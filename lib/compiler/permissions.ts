import { stateKey } from '../execution/machine.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { Permission } from './compiled.ts';
import { actingStepsOf, gatesOf, keyedStepsOf } from './steps-of.ts';

/** Everything that the role of a workflow's state machine may do, and why. Logging and tracing are added by the construct. */
export function permissionsOf(definition: WorkflowDefinition): readonly Permission[] {
  const acting = actingStepsOf(definition.body);
  const sandboxes = acting.filter(({ kind }) => kind === 'sandbox').map(({ path }) => stateKey(path));
  const functions = [
    '${OpenExecutionFn}',
    ...(keyedStepsOf(definition.body).length > 0 ? ['${PrepareStepFn}', '${FinishStepFn}'] : []),
    ...(gatesOf(definition.body).length > 0 ? ['${RequestApprovalFn}', '${ExpireApprovalFn}'] : []),
    ...(sandboxes.length < acting.length ? ['${InvokeStepFn}'] : []),
    '${CloseExecutionFn}',
  ];
  const invoke: Permission = {
    actions: ['lambda:InvokeFunction'],
    resources: functions,
    reason: 'The handlers of the states, those that this workflow uses.',
  };
  return sandboxes.length === 0 ? [invoke] : [invoke, ...sandboxPermissions(sandboxes)];
}

function sandboxPermissions(keys: readonly string[]): readonly Permission[] {
  return [
    {
      actions: ['ecs:RunTask'],
      resources: keys.map((key) => `\${TaskDefinition_${key}}`),
      reason:
        'Starts the sandboxes. Granted on every revision of the family, so that a deployment does not break open executions.',
    },
    {
      actions: ['ecs:StopTask', 'ecs:DescribeTasks'],
      resources: ['*'],
      reason: 'runTask.sync watches and stops the tasks that it started; their ids are not known before.',
    },
    {
      actions: ['iam:PassRole'],
      resources: ['${ExecutionRoles}'],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      reason: 'The role with which ECS pulls the sandbox image. There is no task role.',
    },
    {
      actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      resources: ['arn:aws:events:*:*:rule/StepFunctionsGetEventsForECSTaskRule'],
      reason: 'The managed rule by which runTask.sync hears that a task has stopped.',
    },
  ];
}
