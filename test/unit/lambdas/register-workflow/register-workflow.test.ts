import { expect, it } from 'vitest';
import { registerWorkflow } from '../../../../lambdas/register-workflow/register-workflow.ts';
import type { CustomResourceEvent } from '../../../../lib/aws/custom-resource.ts';
import type { DeployedWorkflow } from '../../../../lib/aws/deployed-workflows.ts';
import { FakeClock } from '../../../_helpers/fakes/fake-clock.ts';

const NOW = '2026-01-01T00:00:00.000Z';
const PROPERTIES = { Workflow: 'hello', MachineArn: 'arn:machine' };

async function told(RequestType: CustomResourceEvent['RequestType'], ResourceProperties: object = PROPERTIES) {
  const written: DeployedWorkflow[] = [];
  const answer = await registerWorkflow(
    {
      clock: new FakeClock(NOW),
      write: async (workflow) => {
        written.push(workflow);
      },
    },
    {
      RequestType,
      ResponseURL: '',
      StackId: 's',
      RequestId: 'r',
      LogicalResourceId: 'l',
      ResourceProperties: { ...ResourceProperties },
    },
  );
  return { answer, written };
}

it.each(['Create', 'Update'] as const)('a workflow can be started after %s', async (type) => {
  expect(await told(type)).toEqual({
    answer: { physicalResourceId: 'hello' },
    written: [{ name: 'hello', machineArn: 'arn:machine', deployedAt: NOW }],
  });
});

it('a workflow that is removed is told so, and keeps its id so that nothing is deleted twice', async () => {
  const { answer, written } = await told('Delete');
  expect(answer).toEqual({ physicalResourceId: 'hello' });
  expect(written).toEqual([{ name: 'hello', machineArn: 'arn:machine', deployedAt: NOW, removedAt: NOW }]);
});

it('tells nothing of what is not named', async () => {
  await expect(told('Create', { Workflow: 'hello' })).rejects.toMatchObject({ code: 'invalid_request' });
});
