import { describe, expect, it } from 'vitest';
import { type ClaimFacts, type ClaimRecords, claimChanges, decideClaim } from '../../../lib/execution/claim.ts';
import { FakeExecutionStore } from '../../_helpers/fakes/fake-execution-store.ts';
import { aLease, anAttempt, anExecution } from '../../_helpers/fakes/records.ts';

const NOW = new Date('2026-01-01T00:01:00.000Z');
const NONCE = 'b'.repeat(64);
const lease = aLease();
const facts: ClaimFacts = { leaseId: lease.leaseId, codeHash: lease.codeHash, nonceHash: NONCE, now: NOW };
const records = (changed: Partial<ClaimRecords> = {}): ClaimRecords => ({
  execution: anExecution(),
  attempt: anAttempt(),
  lease,
  ...changed,
});
const ENDING = { status: 'cancelled', actor: { type: 'person', id: 'ada', via: 'api' }, reason: 'enough' } as const;

function claimedLease(at: string, nonceHash = NONCE) {
  return {
    attempt: anAttempt({ status: 'running', claimedAt: at }),
    lease: aLease({ status: 'claimed', claimedAt: at, nonceHash }),
  };
}

describe('decideClaim', () => {
  it('gives the offered lease of a prepared attempt', () => {
    expect(decideClaim(records(), facts)).toMatchObject({ kind: 'claimed', lease });
  });

  it.each<[string, ClaimRecords, Partial<ClaimFacts>, string]>([
    ['no execution', records({ execution: undefined }), {}, 'claim_refused'],
    ['no attempt', records({ attempt: undefined }), {}, 'claim_refused'],
    ['no lease', records({ lease: undefined }), {}, 'claim_refused'],
    ['another lease', records(), { leaseId: 'other' }, 'claim_refused'],
    ['a wrong code', records(), { codeHash: 'c'.repeat(64) }, 'claim_refused'],
    ['a final execution', records({ execution: anExecution({ status: 'failed' }) }), {}, 'execution_closed'],
    ['an ending execution', records({ execution: anExecution({ ending: ENDING }) }), {}, 'execution_closed'],
    ['an execution not opened yet', records({ execution: anExecution({ status: 'starting' }) }), {}, 'claim_refused'],
    ['a fenced lease', records({ lease: aLease({ status: 'fenced' }) }), {}, 'stale_epoch'],
    ['a completed lease', records({ lease: aLease({ status: 'completed' }) }), {}, 'claim_refused'],
    ['an attempt that ran', records({ attempt: anAttempt({ status: 'exited' }) }), {}, 'claim_refused'],
  ])('refuses %s', (_, found, changed, code) => {
    expect(decideClaim(found, { ...facts, ...changed })).toMatchObject({ kind: 'refused', code });
  });

  it('tells nothing of the execution to who does not know the code', () => {
    const closed = records({ execution: anExecution({ status: 'failed' }) });
    expect(decideClaim(closed, { ...facts, codeHash: 'c'.repeat(64) })).toMatchObject({ code: 'claim_refused' });
  });

  it('repeats the answer for the same runner within two minutes, and no longer', () => {
    const twoMinutesAgo = records(claimedLease('2025-12-31T23:59:00.000Z'));
    expect(decideClaim(twoMinutesAgo, facts)).toMatchObject({ kind: 'repeat' });
    const longer = records(claimedLease('2025-12-31T23:58:59.999Z'));
    expect(decideClaim(longer, facts)).toMatchObject({ kind: 'refused', code: 'claim_refused' });
    expect(decideClaim(records(claimedLease('not a time')), facts)).toMatchObject({ kind: 'refused' });
  });

  it('sees a conflict when another runner presents the code', () => {
    const taken = records(claimedLease('2026-01-01T00:00:59.000Z', 'd'.repeat(64)));
    expect(decideClaim(taken, facts)).toMatchObject({ kind: 'conflict', code: 'claim_conflict' });
  });

  it('refuses a second claim without a nonce: a function call cannot prove that it is the same', () => {
    const { nonceHash: _, ...withoutNonce } = facts;
    const taken = records(claimedLease('2026-01-01T00:00:59.000Z'));
    expect(decideClaim(taken, withoutNonce)).toMatchObject({ kind: 'refused', code: 'claim_refused' });
  });
});

describe('claimChanges', () => {
  const commit = (store: FakeExecutionStore) =>
    store.commit({
      executionId: 'report:one',
      changes: claimChanges(anAttempt(), lease, NOW, { nonceHash: NONCE }),
      events: [],
    });

  it('takes attempt and lease, once', async () => {
    const store = new FakeExecutionStore().seed({
      executions: [anExecution()],
      attempts: [anAttempt()],
      leases: [lease],
    });
    expect(await Promise.all([commit(store), commit(store)])).toEqual([true, false]);
    expect(await store.getAttempt('report:one', 'write', 1)).toMatchObject({
      status: 'running',
      claimedAt: NOW.toISOString(),
    });
    expect(await store.getLease('report:one', 'write', 1)).toMatchObject({ status: 'claimed', nonceHash: NONCE });
  });

  it('is refused when the execution began to end since it was read', async () => {
    const ending = anExecution({ ending: ENDING });
    const store = new FakeExecutionStore().seed({ executions: [ending], attempts: [anAttempt()], leases: [lease] });
    expect(await commit(store)).toBe(false);
  });

  it('is refused when the attempt was closed since it was read', async () => {
    const closed = anAttempt({ status: 'cancelled' });
    const store = new FakeExecutionStore().seed({ executions: [anExecution()], attempts: [closed], leases: [lease] });
    expect(await commit(store)).toBe(false);
  });

  it('is refused when the code was rotated since it was read', async () => {
    const rotated = aLease({ codeHash: 'e'.repeat(64) });
    const store = new FakeExecutionStore().seed({
      executions: [anExecution()],
      attempts: [anAttempt()],
      leases: [rotated],
    });
    expect(await commit(store)).toBe(false);
  });
});
