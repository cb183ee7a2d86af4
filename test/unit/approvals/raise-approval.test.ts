import { describe, expect, it } from 'vitest';
import { isApprovalId } from '../../../lib/approvals/approval-id.ts';
import { type Decision, decide } from '../../../lib/approvals/decide.ts';
import {
  isRaisable,
  type RaisableRefusal,
  raiseApproval,
  raiseApprovalId,
  raiseAsked,
  raiseHash,
  renderRaise,
} from '../../../lib/approvals/raise-approval.ts';
import { type NanoUsd, usd } from '../../../lib/budget/money.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { aRaiseApproval } from '../../_helpers/raise-samples.ts';

const SCOPE = { kind: 'execution', executionId: 'report:one' } as const;
const AGENT = { kind: 'agent', executionId: 'report:one', agent: 'crew/write' } as const;
const NOW = new Date('2026-01-01T00:10:00.000Z');

function refusal(fields: Partial<Record<'limit' | 'spent' | 'held' | 'needed', NanoUsd>> = {}): RaisableRefusal {
  return {
    code: 'budget_exhausted',
    scope: SCOPE,
    limit: usd(1),
    spent: usd(1),
    held: usd(0),
    needed: usd(1),
    ...fields,
  };
}

describe('what is asked for', () => {
  it.each([
    ['what is missing, rounded up to a cent', { needed: usd('0.0812345') }, '0.09'],
    ['exactly what is missing, where that is whole cents', { needed: usd('0.09') }, '0.09'],
    ['a cent for a nano-dollar', { needed: usd('0.000000001') }, '0.01'],
    ['less what is left', { spent: usd('0.95'), needed: usd('0.09') }, '0.04'],
    [
      'and what is held, since all of it may be spent',
      { spent: usd('0.50'), held: usd('0.50'), needed: usd('0.09') },
      '0.09',
    ],
    ['and what was spent beyond the limit', { spent: usd('1.10'), needed: usd('0.09') }, '0.19'],
    [
      'exact also where floats are not',
      { spent: usd(0), needed: usd('9000000.010000001'), limit: usd('0.01') },
      '9000000.01',
    ],
  ])('is %s', (_what, fields, by) => {
    expect(raiseAsked(refusal(fields), 'plan').by).toBe(usd(by));
  });

  it('has an id of its budget that no step can have', () => {
    expect(raiseApprovalId(SCOPE, 1)).toBe('report:one:budget_raise:1');
    expect(raiseApprovalId(AGENT, 12)).toBe('report:one:budget_raise.crew.write:12');
    expect(isApprovalId(raiseApprovalId(AGENT, 12))).toBe(true);
  });

  it('is a budget that people raise', () => {
    expect([SCOPE, AGENT].every(isRaisable)).toBe(true);
    expect(isRaisable({ kind: 'tenant', tenant: 'default', window: 'day', period: '2026-01-01' })).toBe(false);
  });

  it('is told exactly', () => {
    const raise = raiseAsked({ ...refusal({ spent: usd('0.9999999'), needed: usd('0.09') }), scope: AGENT }, 'plan');
    expect(renderRaise(raise)).toBe(
      'raises the budget of the agent crew/write by $0.09, from $1.00 to $1.09\n' +
        'a model call of plan may cost $0.09; $0.9999999 are spent, and $0.00 held',
    );
    expect(raiseHash(raise)).not.toBe(raiseHash({ ...raise, by: usd('0.10') }));
  });

  it('is asked until the execution ends by its time limit', () => {
    const asked = { raise: raiseAsked(refusal(), 'plan'), attempt: 2, number: 3, now: NOW };
    const timed = raiseApproval(anExecution({ timeoutAt: '2026-01-01T01:00:00.000Z' }), asked);
    expect(timed).toMatchObject({ expiresAt: '2026-01-01T01:00:00.000Z', attempt: 2, status: 'pending', version: 1 });
    expect(raiseApproval(anExecution(), asked).expiresAt).toBe('2027-01-01T00:10:00.000Z');
  });
});

describe('a decision on it', () => {
  const ask = (fields: Partial<ApprovalRecord> = {}) =>
    aRaiseApproval(anExecution({ requester: { type: 'person', id: 'rex', via: 'api' } }), fields);
  const by = (personId: string, fields: Partial<Decision> = {}): Decision => ({
    ...{ personId, roles: ['budget-owner'], decision: 'approve', via: 'api', at: NOW },
    ...fields,
  });

  it.each(['budget-owner', 'administrator'] as const)('counts of one %s', (role) => {
    const decision = by('joan', { roles: ['viewer', role] });
    expect(decide(ask(), new Map(), decision)).toMatchObject({ kind: 'granted', approvers: ['joan'] });
    expect(decide(ask(), new Map(), { ...decision, decision: 'reject', comment: 'no' })).toMatchObject({
      kind: 'rejected',
      reason: 'no',
    });
  });

  it('does not count of other roles, of members of any group, or where the door knows no roles', () => {
    const members = new Map([['budget-owner', new Set(['joan'])]]);
    const { roles: _, ...unknown } = by('joan');
    for (const decision of [by('joan', { roles: ['viewer', 'operator', 'auditor'] }), unknown]) {
      expect(() => decide(ask(), members, decision)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    }
  });

  it('does not count of whoever started the execution', () => {
    expect(() => decide(ask(), new Map(), by('rex', { roles: ['administrator'] }))).toThrow(
      expect.objectContaining({ code: 'requester_may_not_decide' }),
    );
  });

  it('of somebody who does the same again is a repeat', () => {
    const vote = { personId: 'joan', decision: 'approve', at: NOW.toISOString(), via: 'api' } as const;
    expect(decide(ask({ status: 'granted', votes: [vote] }), new Map(), by('joan'))).toEqual({ kind: 'repeat' });
  });

  it('comes too late where the budget was raised otherwise', () => {
    expect(() => decide(ask({ status: 'cancelled' }), new Map(), by('joan'))).toThrow(
      expect.objectContaining({ code: 'already_decided' }),
    );
  });

  it('comes too late after the time limit of the execution', () => {
    const late = { at: new Date('2027-01-02T00:00:00.000Z') };
    expect(() => decide(ask(), new Map(), by('joan', late))).toThrow(
      expect.objectContaining({ code: 'approval_expired' }),
    );
  });
});
