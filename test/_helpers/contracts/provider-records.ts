import { describe, expect, it } from 'vitest';
import type { Hold } from '../../../lib/budget/ledger.ts';
import { usd } from '../../../lib/budget/money.ts';
import type { ModelPrice } from '../../../lib/budget/price-book.ts';
import type { ProviderRecords } from '../../../lib/ports.ts';

export interface RecordsUnderTest {
  readonly records: ProviderRecords;
  readonly price: ModelPrice;
  /** A call of this hold is recorded with 1,000 tokens of input and 200 of output; `unclear`: not so that it can be read. */
  record(holdId: string, how?: 'unclear'): void;
}

export function aModelHold(holdId: string, { provider, model }: ModelPrice): Hold {
  return {
    holdId,
    kind: 'call',
    payer: {
      tenant: 'default',
      workflow: 'report',
      executionId: 'report:one',
      path: 'write',
      attempt: 1,
      agent: 'write',
    },
    purpose: { provider, model, priceBook: 'hash' },
    amount: usd(1),
    scopes: [{ kind: 'execution', executionId: 'report:one' }],
    state: 'unsettled',
    createdAt: '2026-01-01T00:00:00.000Z',
    reason: 'the stream broke',
  };
}

/** What the check of unsettled holds relies on. */
export function describeProviderRecords(name: string, make: () => RecordsUnderTest): void {
  describe(`provider records: ${name}`, () => {
    it('know nothing of a call that is not recorded', async () => {
      const { records, price, record } = make();
      record('another');
      expect(await records.usageOf(aModelHold('one', price), price)).toBeUndefined();
    });

    it('tell exactly what was used, in the normal form', async () => {
      const { records, price, record } = make();
      record('another');
      record('one');
      expect(await records.usageOf(aModelHold('one', price), price)).toMatchObject({
        kind: 'used',
        usage: { tokens: { input: 1000, output: 200 } },
        raw: expect.anything(),
      });
    });

    it('guess nothing', async () => {
      const { records, price, record } = make();
      record('one', 'unclear');
      expect(await records.usageOf(aModelHold('one', price), price)).toEqual({
        kind: 'unclear',
        reason: expect.any(String),
      });
    });
  });
}
