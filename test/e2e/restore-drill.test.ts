import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DeleteTableCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { dynamoAuditStore } from '../../lib/aws/dynamo-audit-store.ts';
import { metaKey } from '../../lib/aws/state-keys.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { findTables } from '../../scripts/drill/restored-table.ts';
import { compareTable, type DrillClients, runDrill } from '../../scripts/drill/run-drill.ts';
import { type LocalAws, localAws, projectDir } from '../_helpers/local-aws.ts';
import { eventually } from '../_helpers/wflo.ts';

/**
 * The local AWS copies the table as it is at the call, at once, and knows no time to restore to: which moment a restore
 * gives back, and how long it takes, only AWS shows.
 */
let aws: LocalAws;
let clients: DrillClients;
let ada: ControlApiClient;
let grace: ControlApiClient;

beforeAll(async () => {
  aws = await localAws();
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  clients = { cloudFormation: new CloudFormationClient(config), dynamo: new DynamoDBClient(config) };
  ada = await connect({ kind: 'local', as: 'ada' }, projectDir);
  grace = await connect({ kind: 'local', as: 'grace' }, projectDir);
});

const drill = (keep: boolean) =>
  runDrill(
    {
      stage: aws.stage,
      keep,
      now: new Date(),
      patience: { maxWaitTime: 60, minDelay: 0.1, maxDelay: 1 },
      report: () => {},
    },
    clients,
  );

/** Started, decided by Grace, ended, and all of it in the chain. */
async function gated(decision: 'approve' | 'reject'): Promise<string> {
  const { execution } = await ada.start({ workflow: 'gated', input: { note: decision } });
  const id = execution.executionId;
  const look = () => ada.describe(id);
  await eventually(look, ({ status }) => status === 'waiting_approval', `${id} waits`);
  await grace.decide(`${id}:act:1`, { decision, comment: 'drill' });
  const { eventCount } = await eventually(look, ({ endedAt }) => endedAt !== null, `${id} ends`);
  await eventually(
    () => ada.events(id),
    ({ records }) => records.length >= eventCount,
    `events of ${id}`,
  );
  return id;
}

describe('a restore drill of a deployed stage', () => {
  it('agrees with the chains, and notices a record that was changed', async () => {
    const ids = [await gated('approve'), await gated('reject')];
    const { table, differ, executions, kept } = await drill(true);
    expect(kept).toBe(true);
    try {
      expect(executions).toBeGreaterThanOrEqual(2);
      expect(differ.filter(({ executionId }) => ids.includes(executionId))).toEqual([]);

      const { pk, sk } = metaKey(ids[0] ?? '');
      await clients.dynamo.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: { S: pk }, sk: { S: sk } },
          UpdateExpression: 'SET #status = :status',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':status': { S: 'failed' } },
        }),
      );
      const { audit } = await findTables(clients.cloudFormation, aws.stage);
      const chains = dynamoAuditStore({ client: clients.dynamo, auditTable: audit });
      const again = await compareTable(clients.dynamo, table, chains);
      expect(again.ok).toBe(false);
      expect(again.differ.filter(({ executionId }) => ids.includes(executionId))).toEqual([
        { executionId: ids[0], differences: [{ kind: 'status', what: 'is failed, and its events say succeeded' }] },
      ]);
    } finally {
      await clients.dynamo.send(new DeleteTableCommand({ TableName: table }));
    }
  });
});
