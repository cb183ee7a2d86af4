import type { CustomResourceAnswer, CustomResourceEvent } from '../../lib/aws/custom-resource.ts';
import type { DeployedWorkflow } from '../../lib/aws/deployed-workflows.ts';
import { WfloError } from '../../lib/errors.ts';
import type { Clock } from '../../lib/ports.ts';

export interface RegisterPorts {
  readonly clock: Clock;
  write(workflow: DeployedWorkflow): Promise<void>;
}

/**
 * Tells that a workflow can be started, or no more. A deployment that is rolled back applies what was told before: as an
 * Update with the old properties, or the Delete of what it has made.
 */
export async function registerWorkflow(
  { clock, write }: RegisterPorts,
  event: CustomResourceEvent,
): Promise<CustomResourceAnswer> {
  const { Workflow: name, MachineArn: machineArn } = event.ResourceProperties;
  if (typeof name !== 'string' || typeof machineArn !== 'string') {
    throw new WfloError('invalid_request', 'Workflow and MachineArn must be strings');
  }
  const now = clock.now().toISOString();
  const removed = event.RequestType === 'Delete';
  await write({ name, machineArn, deployedAt: now, ...(removed ? { removedAt: now } : {}) });
  return { physicalResourceId: name };
}
