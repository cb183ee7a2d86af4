import { describe, expect, it } from 'vitest';
import { tellBudgets } from '../../../../lambdas/tell-budgets/tell.ts';
import { buildEvent } from '../../../../lib/audit/build-event.ts';
import type { EventType } from '../../../../lib/audit/events.ts';
import type { AlertText } from '../../../../lib/budget/alert-text.ts';
import { FakeClock } from '../../../_helpers/fakes/fake-clock.ts';
import { FakeIds } from '../../../_helpers/fakes/fake-ids.ts';

const ALERT = {
  scope: { kind: 'workflow', tenant: 'default', workflow: 'research', window: 'month', period: '2026-11' },
  ...{ threshold: 0.75, spentNanoUsd: 750_000_000, limitNanoUsd: 1_000_000_000 },
};
const EXCEEDED = {
  scope: { kind: 'execution' },
  ...{ limitNanoUsd: 100_000_000, spentNanoUsd: 90_000_000, heldNanoUsd: 0, neededNanoUsd: 90_000_000 },
  onExceeded: 'ask',
};

async function tell(type: EventType, data: object, publish?: () => Promise<void>) {
  const texts: AlertText[] = [];
  const counts: string[] = [];
  const event = buildEvent(
    { clock: new FakeClock('2026-11-26T12:00:00.000Z'), ids: new FakeIds() },
    { executionId: 'research:one', workflow: 'research', traceId: 'research:one' },
    { type, data: data as never, actor: { type: 'system', id: 'wflo', via: 'gateway' } },
  );
  const told = await tellBudgets(
    {
      stage: 'prod',
      publish: publish ?? (async (text) => void texts.push(text)),
      count: (metric, workflow) => void counts.push(`${metric} ${workflow}`),
    },
    { ...event, seq: 1, prevHash: '', hash: '' },
  );
  return { told, texts, counts };
}

describe('people are told', () => {
  it('of an alert, and it is counted for its workflow', async () => {
    expect(await tell('cost.alert', ALERT)).toEqual({
      told: true,
      counts: ['BudgetAlerts research'],
      texts: [
        {
          subject: 'Wflo prod: the budget of the workflow research in 2026-11 has spent 75 %',
          message:
            'the budget of the workflow research in 2026-11 has spent $0.75 of $1.00, which is 75 % or more.\n\nAbout: research:one',
        },
      ],
    });
  });

  it('of a refusal, with what it means', async () => {
    const { texts, counts } = await tell('cost.exceeded', EXCEEDED);
    expect(counts).toEqual(['BudgetsExceeded research']);
    expect(texts[0]?.message).toContain('of $0.10 $0.09 are spent and $0.00 are held');
    expect(texts[0]?.message).toContain('wflo budget raise');
  });

  it('of a cost that is not known', async () => {
    const data = { holdId: 'h1', heldNanoUsd: 300_000_000, reason: 'the stream broke off' };
    const { texts, counts } = await tell('cost.unsettled', data);
    expect(counts).toEqual([]);
    expect(texts[0]?.message).toContain('$0.30 stay held for h1: the stream broke off');
  });

  it('of nothing else', async () => {
    expect(await tell('workflow.succeeded', { outputSha256: 'ab'.repeat(32) })).toEqual({
      ...{ told: false, texts: [], counts: [] },
    });
  });

  it('again, where it could not be handed over, and counts nothing before', async () => {
    await expect(tell('cost.alert', ALERT, () => Promise.reject(new Error('throttled')))).rejects.toThrow('throttled');
  });

  it('with a subject that SNS takes, whatever the names are', async () => {
    const scope = { kind: 'agent', agent: `ä${'x'.repeat(200)}` };
    const { texts } = await tell('cost.alert', { ...ALERT, scope });
    expect(texts[0]?.subject).toMatch(/^[\x20-\x7e]{1,100}$/);
  });
});
