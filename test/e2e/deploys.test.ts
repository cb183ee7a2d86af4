import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../lib/audit/chain.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { localUp } from '../../lib/local-cloud/index.ts';
import { localAws, projectDir } from '../_helpers/local-aws.ts';
import { eventually } from '../_helpers/wflo.ts';

const folder = join(projectDir, 'state-machines', 'changing');
const changed = resolve(import.meta.dirname, 'changed');

let ada: ControlApiClient;
let grace: ControlApiClient;
let dynamo: DynamoDBClient;

beforeAll(async () => {
  const { endpoint, region, credentials } = await localAws();
  dynamo = new DynamoDBClient({ endpoint, region, credentials });
  [ada, grace] = [
    await connect({ kind: 'local', as: 'ada' }, projectDir),
    await connect({ kind: 'local', as: 'grace' }, projectDir),
  ];
});

/** Makes `changing` of these files, by their names in its folder, and deploys. */
async function deployAs(files: Readonly<Record<string, string>>): Promise<void> {
  rmSync(folder, { recursive: true });
  if (Object.keys(files).length > 0) mkdirSync(folder);
  for (const [name, target] of Object.entries(files)) symlinkSync(join(changed, target), join(folder, name));
  await localUp({ projectDir, driver: process.env.WFLO_DRIVER === 'docker' ? 'docker' : 'process', report: () => {} });
}

const AFTER = {
  'workflow.ts': 'after/workflow.ts',
  agent: 'after/agent',
  functions: 'after/functions',
  'resources.ts': 'after/resources.ts',
};

/** Starts one and waits for its gate. */
async function asked(id: string): Promise<string> {
  const { execution } = await ada.start({ workflow: 'changing', input: { id } });
  const { executionId } = execution;
  await eventually(
    () => ada.describe(executionId),
    ({ status, endedAt }) => status === 'waiting_approval' || endedAt !== null,
    `${executionId} waits`,
  );
  return executionId;
}

/** Approves, and answers what became of it, after its chain was verified. */
async function approved(executionId: string) {
  await grace.decide(`${executionId}:act:1`, { decision: 'approve' });
  const view = await ada.waitUntilFinal(executionId, { shortestMs: 100 });
  const { records } = await eventually(
    () => ada.events(executionId),
    (chain) => chain.records.length >= view.eventCount,
    `events of ${executionId}`,
  );
  expect(verifyChain(records, view.eventCount)).toMatchObject({ ok: true });
  return { status: view.status, output: view.output, ...(view.error === undefined ? {} : { error: view.error }) };
}

/** What the step function wrote. */
async function act(id: string): Promise<string | undefined> {
  const { TableNames = [] } = await dynamo.send(new ListTablesCommand({}));
  const TableName = TableNames.find((name) => /Acts/.test(name));
  const { Item } = await dynamo.send(new GetItemCommand({ TableName, Key: { id: { S: id } }, ConsistentRead: true }));
  return Item?.by?.S;
}

const before = { status: 'succeeded', output: { acted: 'before', told: 'before' } };
const after = { status: 'succeeded', output: { acted: 'after', told: 'after' } };

describe('an execution whose gate is open', { timeout: 300_000 }, () => {
  let open: string;

  it('outlives a deployment that fails and is rolled back, as does the workflow itself', async () => {
    open = await asked('open');
    await expect(deployAs({ ...AFTER, 'resources.ts': 'broken/resources.ts' })).rejects.toMatchObject({
      code: 'deploy_failed',
    });
    const later = await asked('after-the-rollback');
    expect(await approved(later)).toEqual(before);
    expect(await act('after-the-rollback')).toBe('before');
  });

  it('ends with the bytes, the rights, the image and the graph that it began with, whatever is deployed meanwhile', async () => {
    await deployAs(AFTER);
    // The new version may not write at all.
    expect(await approved(await asked('new'))).toEqual(after);
    expect(await act('new')).toBeUndefined();
    expect(await approved(open)).toEqual(before);
    expect(await act('open')).toBe('before');
  });

  it('ends after its workflow was removed, which nobody can start any more', async () => {
    const last = await asked('last');
    await deployAs({});
    await expect(ada.start({ workflow: 'changing', input: { id: 'none' } })).rejects.toMatchObject({
      code: 'unknown_workflow',
    });
    expect(await ada.workflows()).not.toContainEqual(expect.objectContaining({ name: 'changing' }));
    expect(await approved(last)).toEqual(after);
    const listed = [];
    for await (const page of ada.list({ workflow: 'changing' })) listed.push(...page);
    expect(listed.map(({ status }) => status)).toEqual(Array(4).fill('succeeded'));
  });
});
