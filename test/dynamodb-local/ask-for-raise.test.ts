import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { askForRaise } from '../../lambdas/serve-gateway/ask-for-raise.ts';
import type { Caller } from '../../lambdas/serve-gateway/lease.ts';
import { type RaisableRefusal, raiseApprovalId } from '../../lib/approvals/raise-approval.ts';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { dynamoOutboxStore } from '../../lib/aws/dynamo-outbox-store.ts';
import { systemClock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { usd } from '../../lib/budget/money.ts';
import type { RaisableScope } from '../../lib/execution/records.ts';
import type { Budgets, ExecutionStore } from '../../lib/ports.ts';
import { createTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { anExecution } from '../_helpers/fakes/records.ts';

const executionId = 'report:one';
const SCOPE: RaisableScope = { kind: 'execution', executionId };
const AGENT: RaisableScope = { kind: 'agent', executionId, agent: 'planner' };
const CALLER = { address: { executionId, path: 'plan', attempt: 1 } } as Caller;
const AT_ONCE = 20;

let engine: DynamoDbLocal;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
});
afterAll(() => engine.stop());

let executions: ExecutionStore;
let budgets: Budgets;
let eventTypes: () => Promise<readonly string[]>;
beforeEach(async () => {
  const { client } = engine;
  const tables = await createTables(client);
  const options = { client, ...tables, clock: systemClock, ids: ulidIds(systemClock), retentionDays: 400 };
  executions = dynamoExecutionStore(options);
  budgets = dynamoBudgets(options);
  eventTypes = async () => {
    const items = await dynamoOutboxStore({ client, ...tables }).listUnpublished(new Date(Date.now() + 60_000), 100);
    return items.flatMap(({ events }) => events.map(({ eventType }) => eventType));
  };
  await executions.commit({ executionId, changes: [{ item: 'execution', put: anExecution() }], events: [] });
  await budgets.openExecution({
    ...{ executionId, tenant: 'default', workflow: 'report', limit: usd('0.10') },
    ...{ agents: { planner: usd('0.05') }, alertsAt: [], windows: {} },
  });
  return tables.remove;
});

const refusal = (scope: RaisableScope, limit: string): RaisableRefusal => ({
  ...{ code: 'budget_exhausted', scope, limit: usd(limit), spent: usd('0.04'), held: usd(0), needed: usd('0.09') },
});
const ask = (scope: RaisableScope, limit: string) =>
  askForRaise({ executions, budgets, clock: systemClock, ids: ulidIds(systemClock) }, CALLER, refusal(scope, limit));
const asked = (approvalId: string) => Array(AT_ONCE).fill({ kind: 'asked', approvalId });
const together = (scope: RaisableScope, limit: string) =>
  Promise.all(Array.from({ length: AT_ONCE }, () => ask(scope, limit)));

it('twenty calls at the same time ask once for each budget that they do not fit into', async () => {
  const [ofExecution, ofAgent] = await Promise.all([together(SCOPE, '0.10'), together(AGENT, '0.05')]);
  expect(ofExecution).toEqual(asked(raiseApprovalId(SCOPE, 1)));
  expect(ofAgent).toEqual(asked(raiseApprovalId(AGENT, 1)));
  expect(await eventTypes()).toEqual(['approval.requested', 'approval.requested']);
  expect(await executions.getExecution(executionId)).toMatchObject({
    ...{ status: 'waiting_approval', openApprovals: 2, eventCount: 2 },
  });
});

it('and once more at the next limit, in the place of what nobody has withdrawn', async () => {
  await ask(SCOPE, '0.10');
  await budgets.raise({ executionId, by: usd('0.01'), raiseId: 'r1' });
  expect(await together(SCOPE, '0.11')).toEqual(asked(raiseApprovalId(SCOPE, 2)));
  // A refusal of the past asks nobody.
  expect(await ask(SCOPE, '0.10')).toEqual({ kind: 'raised' });
  const approvals = await executions.listApprovals(executionId);
  expect(approvals.map(({ status }) => status)).toEqual(['cancelled', 'pending']);
  expect(await executions.getExecution(executionId)).toMatchObject({ openApprovals: 1, eventCount: 3 });
  const page = await executions.queryApprovals({ tenant: 'default', all: false, limit: 10 });
  expect(page.items.map(({ approvalId }) => approvalId)).toEqual([raiseApprovalId(SCOPE, 2)]);
});
