import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { WfloError } from '../errors.ts';
import type { WorkflowConfig } from '../execution/machine.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Workflows } from '../ports.ts';
import { queryItems } from './document-client.ts';
import { WORKFLOWS, workflowKey } from './state-keys.ts';

/**
 * What a deployment tells of a workflow. The machine alone would not tell that it can be started: that of a workflow
 * which was removed stays while executions of it may be open.
 */
export interface DeployedWorkflow {
  readonly name: string;
  readonly machineArn: string;
  /** ISO 8601. */
  readonly deployedAt: string;
  readonly removedAt?: string;
}

export async function writeDeployedWorkflow(
  client: DynamoDBDocumentClient,
  TableName: string,
  workflow: DeployedWorkflow,
): Promise<void> {
  await client.send(new PutCommand({ TableName, Item: { ...workflow, ...workflowKey(workflow.name) } }));
}

export interface DeployedWorkflowsOptions {
  readonly client: DynamoDBDocumentClient;
  readonly stateTable: string;
  readonly sfn: SFNClient;
}

export function deployedWorkflows({ client, stateTable: TableName, sfn }: DeployedWorkflowsOptions): Workflows {
  return {
    async names() {
      const names: string[] = [];
      const query = {
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': WORKFLOWS },
        ConsistentRead: true,
      };
      for await (const item of queryItems(client, query)) {
        if (item.removedAt === undefined) names.push(String(item.name));
      }
      return names.sort();
    },

    async config(workflow) {
      if (!/^[a-z][a-z0-9-]{0,63}$/.test(workflow)) return undefined;
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: workflowKey(workflow), ConsistentRead: true }),
      );
      if (Item === undefined || Item.removedAt !== undefined) return undefined;
      try {
        const { definition } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: Item.machineArn }));
        return embeddedConfig(workflow, definition);
      } catch (error) {
        // A deployment that removes it may come between the two calls.
        if (error instanceof Error && error.name === 'StateMachineDoesNotExist') return undefined;
        throw error;
      }
    },
  };
}

/** The `workflow` text in the payload of the Open state of a definition. */
function embeddedConfig(workflow: string, definition: string | undefined): WorkflowConfig {
  let place: Json | undefined;
  try {
    place = JSON.parse(definition ?? 'null') as Json;
    for (const name of ['States', 'Open', 'Parameters', 'Payload', 'workflow']) {
      place = isJsonObject(place) ? place[name] : undefined;
    }
    if (typeof place === 'string') return JSON.parse(place) as WorkflowConfig;
  } catch (cause) {
    throw notOurs(workflow, cause);
  }
  throw notOurs(workflow);
}

function notOurs(workflow: string, cause?: unknown): WfloError {
  return new WfloError('internal', `the deployed definition of ${workflow} does not name its configuration`, {
    fix: 'deploy the workflow again; the role may need kms:Decrypt on the key of the state machine',
    ...(cause === undefined ? {} : { cause }),
  });
}
