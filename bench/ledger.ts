import { randomBytes } from 'node:crypto';
import { dynamoExecutionStore } from '../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../lib/aws/dynamo-ledger.ts';
import { dynamoBudgets } from '../lib/aws/dynamo-ledger-budgets.ts';
import { systemClock } from '../lib/aws/system-clock.ts';
import { ulidIds } from '../lib/aws/ulid-ids.ts';
import type { HoldRequest, ReserveResult } from '../lib/budget/ledger.ts';
import { type NanoUsd, nanoUsd } from '../lib/budget/money.ts';
import { WfloError } from '../lib/errors.ts';
import { createTables } from '../test/_helpers/create-tables.ts';
import { startDynamoDbLocal } from '../test/_helpers/dynamodb-local.ts';
import { aLease } from '../test/_helpers/fakes/records.ts';
import { type Benchmark, type Figure, median, round } from './bench.ts';

const RATE_SECONDS = 10;
const AT_ONCE = [1, 16, 64];
const CALLS = 1_000;
const BUDGET_PARTS = [1, 50, 100];

/** DynamoDB's limit of one partition, in write units a second, and what one call costs there: two writes in transactions. */
const PARTITION_WRITE_UNITS = 1_000;
const WRITE_UNITS_OF_A_CALL = 2 * 2;

/**
 * The ledger on DynamoDB Local, which is the engine that AWS gives out and neither DynamoDB's speed nor its limits: it
 * runs one transaction after the other. What is measured is that nothing is overspent, and what our own code adds.
 */
export const ledger: Benchmark = {
  name: 'ledger',
  title: 'Budget ledger on DynamoDB Local',
  run: async () => {
    const engine = await startDynamoDbLocal();
    const tables = await createTables(engine.client);
    const clock = systemClock;
    const options = { client: engine.client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 };
    const store = dynamoLedger(options);
    const budgets = dynamoBudgets(options);
    const executions = dynamoExecutionStore(options);

    async function opened(limit?: NanoUsd): Promise<HoldRequest> {
      const name = randomBytes(6).toString('hex');
      const payer = {
        tenant: `t-${name}`,
        workflow: 'bench',
        executionId: `bench:${name}`,
        path: 'write',
        attempt: 1,
        agent: 'write',
      };
      const { executionId, path, attempt } = payer;
      const lease = aLease({ executionId, path, attempt, status: 'claimed' });
      await executions.commit({ executionId, changes: [{ item: 'lease', path, attempt, put: lease }], events: [] });
      await budgets.openExecution({
        executionId,
        tenant: payer.tenant,
        workflow: payer.workflow,
        ...(limit === undefined ? {} : { limit }),
        agents: {},
        alertsAt: [],
        windows: {},
      });
      return {
        holdId: 'first',
        kind: 'call',
        payer,
        purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'bench' },
        amount: nanoUsd(0),
        leaseEpoch: 1,
      };
    }

    try {
      const figures: Figure[] = [];
      for (const atOnce of AT_ONCE) {
        const request = await opened();
        await store.reserve(request);
        await store.release(request.payer.executionId, request.holdId);
        const took: number[] = [];
        let busy = 0;
        const until = performance.now() + RATE_SECONDS * 1000;
        await Promise.all(
          Array.from({ length: atOnce }, async () => {
            while (performance.now() < until) {
              const holdId = options.ids.next();
              const from = performance.now();
              const tries = await untilNotBusy(() => store.reserve({ ...request, holdId, amount: nanoUsd(1_000) }));
              const settles = await untilNotBusy(() =>
                store.settle({
                  executionId: request.payer.executionId,
                  holdId,
                  cost: nanoUsd(600),
                  source: 'reported',
                }),
              );
              took.push(performance.now() - from);
              busy += tries.busy + settles.busy;
            }
          }),
        );
        const scope = await budgets.getScope({ kind: 'execution', executionId: request.payer.executionId });
        figures.push(
          {
            what: `reserve and settle of one hot budget, ${atOnce} at a time`,
            value: round(took.length / RATE_SECONDS),
            unit: '/s',
          },
          { what: `both together, ${atOnce} at a time, median`, value: round(median(took)), unit: 'ms' },
          { what: `answered ledger_busy, ${atOnce} at a time`, value: busy, unit: '' },
          {
            what: `lost or counted twice of ${took.length} calls`,
            value: Math.abs((scope?.spent ?? 0) / 600 - took.length),
            unit: '',
            limit: 0,
          },
        );
      }
      figures.push({
        what: 'the same on AWS, computed from 1,000 write units a second of a partition, not measured: at most',
        value: PARTITION_WRITE_UNITS / WRITE_UNITS_OF_A_CALL,
        unit: '/s',
      });
      let untrue = 0;
      let difference = 0;
      let stillHeld = 0;
      for (const parts of BUDGET_PARTS) {
        const result = await overshoot(parts);
        const of = `of ${CALLS} calls at once against ${parts} % of their worst cases`;
        figures.push(
          { what: `made ${of}`, value: result.made, unit: '' },
          { what: `overshoot ${of}`, value: result.overshoot, unit: 'nano-USD', limit: 0 },
        );
        untrue += result.untrue;
        difference += result.difference;
        stillHeld += result.stillHeld;
      }
      figures.push(
        { what: 'refusals of these that were not true at their instant', value: untrue, unit: '', limit: 0 },
        { what: 'difference of the ledger to what they spent and hold', value: difference, unit: 'nano-USD', limit: 0 },
        { what: 'holds that are left of them, but unsettled ones', value: stillHeld, unit: '', limit: 0 },
      );
      return figures;
    } finally {
      await tables.remove();
      await engine.stop();
    }

    /** So many calls of mixed sizes at once, against a budget of `parts` hundredths of all their worst cases. Money is nano-USD. */
    async function overshoot(parts: number): Promise<{
      readonly made: number;
      readonly untrue: number;
      readonly overshoot: number;
      readonly difference: number;
      readonly stillHeld: number;
    }> {
      const sizes = Array.from({ length: CALLS }, (_, index) => 1_000_000 * (1 + ((index * 7919) % 97)));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const limit = nanoUsd(Math.floor((total * parts) / 100));
      const request = await opened(limit);
      let untrue = 0;
      let made = 0;
      let spentOutside = 0;
      await Promise.all(
        sizes.map(async (size, index) => {
          const holdId = options.ids.next();
          const { answer } = await untilNotBusy(
            (): Promise<ReserveResult> => store.reserve({ ...request, holdId, amount: nanoUsd(size) }),
          );
          if (answer.kind === 'refused') {
            const { spent, held, needed, limit: most } = answer.refusal;
            if (spent + held + needed <= most) untrue += 1;
            return;
          }
          if (answer.kind !== 'held') throw new Error(`a call was ${answer.kind}`);
          made += 1;
          const { executionId } = request.payer;
          // Every fifth call was not charged, and of every seventh nobody knows what it cost.
          if (index % 5 === 0) await untilNotBusy(() => store.release(executionId, holdId));
          else if (index % 7 === 0)
            await untilNotBusy(() => store.unsettle(executionId, holdId, 'the client vanished'));
          else {
            const cost = nanoUsd(index % 3 === 0 ? size : Math.floor(size / 2));
            spentOutside += cost;
            await untilNotBusy(() => store.settle({ executionId, holdId, cost, source: 'reported' }));
          }
        }),
      );
      const { executionId } = request.payer;
      const scope = await budgets.getScope({ kind: 'execution', executionId });
      const open = await store.listHolds(executionId);
      const unsettled = open.reduce((sum, { amount }) => sum + amount, 0);
      if (scope === undefined) throw new Error('the budget is gone');
      return {
        made,
        untrue,
        overshoot: Math.max(0, spentOutside + unsettled - limit),
        difference: Math.abs(scope.spent - spentOutside) + Math.abs(scope.held - unsettled),
        stillHeld: open.filter(({ state }) => state !== 'unsettled').length,
      };
    }
  },
};

/** As callers do: what is busy is asked again. */
async function untilNotBusy<T>(ask: () => Promise<T>): Promise<{ readonly answer: T; readonly busy: number }> {
  for (let busy = 0; ; busy += 1) {
    try {
      return { answer: await ask(), busy };
    } catch (error) {
      if (!WfloError.is(error) || error.code !== 'ledger_busy') throw error;
    }
  }
}
