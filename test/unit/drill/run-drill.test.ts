import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { type DrillOptions, runDrill } from '../../../scripts/drill/run-drill.ts';
import { awsError, type ScriptedAnswer, type SentRequest, scriptedAws } from '../../_helpers/scripted-aws.ts';

const TABLE = 'wflo-prod-drill-20260102030405';
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/one';

function resources(): string {
  const member = (logical: string, physical: string) =>
    `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId>` +
    '<ResourceType>AWS::DynamoDB::Table</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>';
  return (
    '<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>' +
    member('State12345678', 'WfloData-prod-State-x') +
    member('Audit0ABCDEF0', 'WfloData-prod-Audit-y') +
    '</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>'
  );
}

/** Answers of an account in which everything goes well, but for what is given. */
function account(different: { readonly [operation: string]: (request: SentRequest) => ScriptedAnswer } = {}) {
  const usual: typeof different = {
    DescribeTable: () => ({
      body: { Table: { TableStatus: 'ACTIVE', SSEDescription: { SSEType: 'KMS', KMSMasterKeyArn: KEY } } },
    }),
    RestoreTableToPointInTime: () => ({
      body: { TableDescription: { TableStatus: 'CREATING', RestoreSummary: { RestoreDateTime: 1767225600 } } },
    }),
    Scan: () => ({ body: { Items: [] } }),
    Query: () => ({ body: { Items: [] } }),
    DeleteTable: () => ({ body: {} }),
  };
  const answers = { ...usual, ...different };
  const aws = scriptedAws((request) => {
    if (request.host.startsWith('cloudformation')) {
      return { headers: { 'content-type': 'text/xml' }, text: resources() };
    }
    const answer = answers[request.operation];
    if (answer === undefined) throw new Error(`nobody expected ${request.operation}`);
    return answer(request);
  });
  const said: string[] = [];
  const drill = (options: Partial<DrillOptions> = {}) =>
    runDrill(
      {
        stage: 'prod',
        keep: false,
        now: new Date('2026-01-02T03:04:05.678Z'),
        patience: { maxWaitTime: 0.1, minDelay: 0.005, maxDelay: 0.01 },
        report: (text) => void said.push(text),
        ...options,
      },
      { cloudFormation: new CloudFormationClient(aws.settings), dynamo: new DynamoDBClient(aws.settings) },
    );
  const sent = (operation: string) =>
    aws.requests.filter((request) => request.operation === operation).map(({ body }) => JSON.parse(body) as object);
  return { drill, sent, said };
}

/** Texts and numbers as DynamoDB sends them. */
function attributes(item: { readonly [name: string]: string | number }) {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, typeof value === 'string' ? { S: value } : { N: `${value}` }]),
  );
}

const creating = () => ({ body: { Table: { TableStatus: 'CREATING' } } });

describe('a restore drill', () => {
  it('restores under the same key without indexes, reads every page, and deletes the table', async () => {
    const record = { pk: 'EXEC#a:1', sk: 'META', status: 'starting', eventCount: 0 };
    const { drill, sent, said } = account({
      Scan: ({ body }) =>
        body.includes('ExclusiveStartKey')
          ? { body: { Items: [attributes({ ...record, pk: 'EXEC#a:2', status: 'running' })] } }
          : {
              body: {
                Items: [attributes(record), attributes({ pk: 'SWITCH', sk: 'FREEZE' })],
                LastEvaluatedKey: attributes({ pk: 'SWITCH', sk: 'FREEZE' }),
              },
            },
    });
    const result = await drill();
    expect(sent('RestoreTableToPointInTime')).toEqual([
      {
        SourceTableName: 'WfloData-prod-State-x',
        TargetTableName: TABLE,
        UseLatestRestorableTime: true,
        GlobalSecondaryIndexOverride: [],
        SSESpecificationOverride: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: KEY },
      },
    ]);
    expect(result).toMatchObject({
      ok: false,
      executions: 2,
      restoredTo: '2026-01-01T00:00:00.000Z',
      kinds: { status: { compared: 2, agree: 1, differ: 1 } },
      differ: [{ executionId: 'a:2', differences: [{ kind: 'status' }] }],
    });
    expect(sent('DeleteTable')).toEqual([{ TableName: TABLE }]);
    expect(said.at(-1)).toBe(`${TABLE} is deleted`);
  });

  it('restores to the time that is asked for, and keeps the table when told to', async () => {
    const { drill, sent, said } = account();
    expect(await drill({ at: new Date('2026-01-01T10:00:00Z'), keep: true })).toMatchObject({ ok: true, kept: true });
    expect(sent('RestoreTableToPointInTime')).toMatchObject([{ RestoreDateTime: 1767261600 }]);
    expect(sent('DeleteTable')).toEqual([]);
    expect(said.at(-1)).toContain(`${TABLE} is kept`);
  });

  it('tells why a restore was refused', async () => {
    const { drill, said } = account({
      RestoreTableToPointInTime: () => awsError('InvalidRestoreTimeException'),
      DeleteTable: () => awsError('ResourceNotFoundException'),
    });
    await expect(drill()).rejects.toThrow('InvalidRestoreTimeException');
    expect(said).toEqual([expect.stringContaining('restores')]);
  });

  it('leaves a table alone that was there before, and one that was never made unmentioned', async () => {
    const { drill, sent, said } = account({
      RestoreTableToPointInTime: () => awsError('TableAlreadyExistsException'),
    });
    await expect(drill({ keep: true })).rejects.toThrow('TableAlreadyExistsException');
    expect(sent('DeleteTable')).toEqual([]);
    expect(said).toEqual([expect.stringContaining('restores')]);
  });

  it('waits for a table only so long, and says that it is left where AWS does not delete it', async () => {
    const { drill, said } = account({
      DescribeTable: creating,
      DeleteTable: () => awsError('ResourceInUseException'),
    });
    await expect(drill()).rejects.toThrow(/TIMEOUT|timed out/i);
    expect(said.at(-1)).toContain(`${TABLE} could not be deleted`);
  });

  it('deletes the table after Ctrl-C, as soon as it is restored', async () => {
    const stopping = new AbortController();
    let looks = 0;
    let restored = false;
    const { drill, sent } = account({
      DescribeTable: () => {
        looks += 1;
        if (looks === 3) stopping.abort(new Error('stopped'));
        restored = looks > 6;
        return { body: { Table: { TableStatus: restored ? 'ACTIVE' : 'CREATING' } } };
      },
      DeleteTable: () => (restored ? { body: {} } : awsError('ResourceInUseException')),
    });
    await expect(drill({ signal: stopping.signal })).rejects.toThrow();
    expect(restored).toBe(true);
    expect(sent('DeleteTable')).toEqual([{ TableName: TABLE }, { TableName: TABLE }]);
    expect(sent('Scan')).toEqual([]);
  });

  it('deletes the table when the comparison fails', async () => {
    const { drill, sent } = account({ Scan: () => awsError('AccessDeniedException') });
    await expect(drill()).rejects.toThrow('AccessDeniedException');
    expect(sent('DeleteTable')).toEqual([{ TableName: TABLE }]);
  });
});
