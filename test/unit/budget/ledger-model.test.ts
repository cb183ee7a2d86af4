import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scopesOf } from '../../../lib/budget/ledger-rules.ts';
import { type NanoUsd, nanoUsd } from '../../../lib/budget/money.ts';
import { aStep, checkAgainstModel } from '../../_helpers/contracts/ledger-model.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { memoryLedger } from '../../_helpers/fakes/memory-ledger.ts';

it('sums agree, nothing is lost and every refusal is true, whatever happens in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 1, maxLength: 40 }), async (steps) => {
      const clock = new FakeClock();
      await checkAgainstModel(memoryLedger({ clock }), clock, { tenant: 'acme', workflow: 'report' }, steps);
    }),
    { numRuns: 10_000 },
  );
}, 180_000);

it('no limit is passed by calls at the same time, whichever end they come to', async () => {
  const aCall = fc.record({
    amount: fc.integer({ min: 1, max: 60 }),
    agent: fc.constantFrom('writer', 'critic'),
    end: fc.constantFrom('settle', 'release', 'unsettle', 'nothing'),
    parts: fc.nat(100),
    raises: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(aCall, { minLength: 1, maxLength: 15 }), async (scheduler, calls) => {
      const clock = new FakeClock('2026-11-26T12:00:00.000Z');
      const ledger = memoryLedger({
        clock,
        // Every reserve waits here, and goes on in any order.
        leases: { getLease: () => scheduler.schedule(Promise.resolve({ status: 'claimed', epoch: 1 } as const)) },
      });
      const executionId = 'report:one';
      await ledger.openExecution({
        executionId,
        tenant: 'acme',
        workflow: 'report',
        limit: nanoUsd(100),
        agents: { writer: nanoUsd(70) },
        alertsAt: [],
        windows: { daily: nanoUsd(150) },
      });
      const payerOf = (agent: string) => ({
        tenant: 'acme',
        workflow: 'report',
        executionId,
        path: 'write',
        attempt: 1,
        agent,
      });
      const running = calls.map(async ({ amount, agent, end, parts, raises }, index) => {
        const holdId = `call-${index}`;
        const result = await ledger.reserve({
          holdId,
          kind: 'call',
          payer: payerOf(agent),
          purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
          amount: nanoUsd(amount),
          leaseEpoch: 1,
        });
        if (result.kind === 'refused') {
          const { spent, held, needed, limit } = result.refusal;
          expect(spent + held + needed).toBeGreaterThan(limit);
        }
        expectWithin();
        await scheduler.schedule(Promise.resolve());
        const cost = nanoUsd(Math.floor((amount * parts) / 100));
        if (raises) await ledger.raise({ executionId, by: nanoUsd(5), raiseId: `raise-${index % 2}` });
        if (result.kind === 'held') {
          if (end === 'settle') await ledger.settle({ executionId, holdId, cost, source: 'reported' });
          if (end === 'release') await ledger.release(executionId, holdId);
          if (end === 'unsettle') await ledger.unsettle(executionId, holdId, 'broken');
        }
        expectWithin();
      });
      const expectWithin = () => {
        for (const { limit, remaining, held, spent, inflight } of ledger.scopes()) {
          expect(remaining).toBe(((limit ?? 0) - spent - held) as NanoUsd);
          expect(Math.min(held, spent, inflight)).toBeGreaterThanOrEqual(0);
          if (limit !== undefined) expect(remaining).toBeGreaterThanOrEqual(0);
        }
      };
      await scheduler.waitFor(Promise.all(running));
      const open = await ledger.listHolds(executionId);
      const entries = (await ledger.listEntries(executionId, { limit: 100 })).items;
      const [execution] = scopesOf(payerOf('writer'), clock.now(), true);
      if (execution === undefined) throw new Error('no scope');
      expect(await ledger.getScope(execution)).toMatchObject({
        held: open.reduce((sum, { amount }) => sum + amount, 0),
        spent: entries.reduce((sum, { cost }) => sum + cost, 0),
        inflight: open.length,
      });
    }),
    { numRuns: 1_000 },
  );
}, 120_000);
