import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand, type ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import { DEFAULT_TENANT } from '../execution/actors.ts';
import { documentClient } from './document-client.ts';
import { tenantKey } from './people-table.ts';

/**
 * All tenants of the deployment: the default one, which may run workflows before anybody is known, and those that were
 * made. No index has them, since nothing else asks; the table of people is small.
 */
export async function dynamoTenants(options: {
  readonly client: DynamoDBClient;
  readonly peopleTable: string;
}): Promise<readonly string[]> {
  const client = documentClient(options.client);
  const tenants = new Set<string>([DEFAULT_TENANT]);
  let start: ScanCommandInput['ExclusiveStartKey'];
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: options.peopleTable,
        FilterExpression: 'sk = :tenant',
        ExpressionAttributeValues: { ':tenant': tenantKey(DEFAULT_TENANT).sk },
        ProjectionExpression: 'pk, sk',
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    for (const { pk } of page.Items ?? []) tenants.add(String(pk).slice(TENANT_PREFIX.length));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return [...tenants];
}

const TENANT_PREFIX = tenantKey('').pk;
