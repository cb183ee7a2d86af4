import { type CustomResourceEvent, customResource } from '../../lib/aws/custom-resource.ts';
import { writeDeployedWorkflow } from '../../lib/aws/deployed-workflows.ts';
import { documentClient } from '../../lib/aws/document-client.ts';
import { dynamo } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { describeFailure, platformHandler } from '../shared/platform-handler.ts';
import { clock } from '../shared/ports.ts';
import { logger } from '../shared/powertools.ts';
import { untilAllowed } from '../shared/until-allowed.ts';
import { registerWorkflow } from './register-workflow.ts';

const answer = customResource(async (event) => {
  const client = documentClient(dynamo());
  const write = (workflow: Parameters<typeof writeDeployedWorkflow>[2]) =>
    writeDeployedWorkflow(client, environment('STATE_TABLE'), workflow);
  try {
    return await untilAllowed(() => registerWorkflow({ clock, write }, event));
  } catch (error) {
    logger.error('a workflow was not registered', { failure: describeFailure(error) });
    throw error;
  }
});

export const handler = platformHandler<CustomResourceEvent, void>({}, (event) => answer(event));
