import { describe, expect, it } from 'vitest';
import { ZERO_USD } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { gatewayScene } from '../../../_helpers/gateway-scene.ts';

const NINE_CENTS = { model: 'plain-1', input: 1000, output: 1000 };

describe('a budget that is exceeded', () => {
  it('is told of once, and costs an agent that calls on one round trip for each refusal', async () => {
    const scene = await gatewayScene({ budget: { limit: ZERO_USD } });
    expect((await scene.call(NINE_CENTS)).status).toBe(402);
    expect(scene.ledger.announcements()).toHaveLength(1);
    scene.trips.length = 0;
    for (let call = 0; call < 3; call++) expect((await scene.call(NINE_CENTS)).status).toBe(402);
    expect(scene.trips).toEqual(['ledger.reserve', 'ledger.reserve', 'ledger.reserve']);
    expect(scene.ledger.announcements()).toHaveLength(1);
  });

  it('is told of by the next refusal where it could not be told before', async () => {
    const scene = await gatewayScene({ budget: { limit: ZERO_USD } });
    const { announceOnce } = scene.ledger;
    scene.ledger.announceOnce = () => Promise.reject(new WfloError('ledger_busy', 'the ledger is busy'));
    expect((await scene.call(NINE_CENTS)).status).toBe(402);
    expect(scene.counted).toContain('ExceededNotAnnounced');
    scene.ledger.announceOnce = announceOnce;
    expect((await scene.call(NINE_CENTS)).status).toBe(402);
    expect(scene.ledger.announcements()).toHaveLength(1);
  });
});
