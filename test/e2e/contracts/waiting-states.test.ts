import { randomBytes } from 'node:crypto';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DeleteActivityCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  GetActivityTaskCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { vi } from 'vitest';
import { stepFunctionsWaitingStates } from '../../../lib/aws/step-functions-waiting-states.ts';
import { describeWaitingStatesContract } from '../../_helpers/contracts/waiting-states.ts';
import { localAws } from '../../_helpers/local-aws.ts';

/** The task of an activity waits for a token as a function with `waitForTaskToken` does, and needs no function. */
describeWaitingStatesContract('local AWS', async () => {
  const { endpoint, region, credentials } = await localAws();
  const sfn = new SFNClient({ endpoint, region, credentials });
  const iam = new IAMClient({ endpoint, region, credentials });
  const name = `waits-${randomBytes(4).toString('hex')}`;
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  const { activityArn } = await sfn.send(new CreateActivityCommand({ name }));
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name,
      roleArn: Role?.Arn,
      definition: JSON.stringify({
        StartAt: 'Wait',
        States: { Wait: { Type: 'Task', Resource: activityArn, TimeoutSeconds: 60, End: true } },
      }),
    }),
  );
  const executions = new Map<string, string | undefined>();

  return {
    states: stepFunctionsWaitingStates({ sfn }),

    async wait() {
      const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn }));
      const { taskToken = '' } = await sfn.send(new GetActivityTaskCommand({ activityArn }));
      executions.set(taskToken, executionArn);
      return taskToken;
    },

    async toldTo(token) {
      const ended = async () => {
        const { output } = await sfn.send(new DescribeExecutionCommand({ executionArn: executions.get(token) }));
        return JSON.parse(output ?? '');
      };
      return vi.waitFor(ended, { timeout: 10_000 });
    },

    async close() {
      await sfn.send(new DeleteStateMachineCommand({ stateMachineArn }));
      await sfn.send(new DeleteActivityCommand({ activityArn }));
      await iam.send(new DeleteRoleCommand({ RoleName: name }));
    },
  };
});
