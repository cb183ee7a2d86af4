import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decision, decide, type Verdict } from '../../../lib/approvals/decide.ts';
import type { Memberships } from '../../../lib/approvals/quorum.ts';
import { type ErrorCode, WfloError } from '../../../lib/errors.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import type { Quorum } from '../../../lib/workflow/definition.ts';
import { anApproval } from '../../_helpers/approval-samples.ts';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const of: Memberships = new Map([
  ['owners', new Set(['ada', 'bob'])],
  ['leads', new Set(['cyd', 'ada'])],
]);
const by = (personId: string, more: Partial<Decision> = {}): Decision => ({
  personId,
  decision: 'approve',
  via: 'api',
  at: new Date(T0 + 60_000),
  ...more,
});
const codeOf = (run: () => unknown): ErrorCode | 'none' => {
  try {
    run();
    return 'none';
  } catch (error) {
    if (WfloError.is(error)) return error.code;
    throw error;
  }
};

describe('an approval', () => {
  it('is granted by one who may, and says until when it can be used', () => {
    expect(decide(anApproval(), of, by('ada', { comment: 'fine' }))).toEqual({
      kind: 'granted',
      vote: { personId: 'ada', decision: 'approve', comment: 'fine', at: '2026-01-01T00:01:00.000Z', via: 'api' },
      approvers: ['ada'],
      executeBy: '2026-01-01T00:31:00.000Z',
    });
  });

  it('needs every group, and a person counts for one', () => {
    const groups = [
      { group: 'owners', min: 1 },
      { group: 'leads', min: 1 },
    ];
    const first = decide(anApproval({ groups }), of, by('ada'));
    expect(first).toMatchObject({ kind: 'voted', missing: [{ min: 1 }] });
    if (first.kind !== 'voted') throw new Error('not a vote');
    const second = decide(anApproval({ groups, votes: [first.vote] }), of, by('bob'));
    expect(second).toMatchObject({ kind: 'granted', approvers: ['ada', 'bob'] });
  });

  it('is rejected by one who may, with a reason', () => {
    expect(decide(anApproval(), of, by('bob', { decision: 'reject', comment: 'no' }))).toMatchObject({
      kind: 'rejected',
      reason: 'no',
    });
    for (const comment of [undefined, ' ']) {
      const without = { decision: 'reject', ...(comment === undefined ? {} : { comment }) } as const;
      expect(codeOf(() => decide(anApproval(), of, by('bob', without)))).toBe('invalid_request');
    }
  });

  it('may not be decided by whoever asked for it, nor by a stranger', () => {
    const requester = { type: 'person', id: 'ada', via: 'api' } as const;
    expect(codeOf(() => decide(anApproval({ requester }), of, by('ada')))).toBe('requester_may_not_decide');
    expect(codeOf(() => decide(anApproval(), of, by('eve')))).toBe('not_an_approver');
    const policy = { ...anApproval().policy, notRequester: false };
    expect(decide(anApproval({ requester, policy }), of, by('ada')).kind).toBe('granted');
  });

  it('is not decided after its time, nor on something else than was shown', () => {
    const late = { at: new Date(T0 + 4 * 3_600_000) };
    expect(codeOf(() => decide(anApproval(), of, by('ada', late)))).toBe('approval_expired');
    expect(codeOf(() => decide(anApproval(), of, by('ada', { payloadHash: 'b'.repeat(64) })))).toBe(
      'approval_mismatch',
    );
    const { approvedHash } = anApproval();
    expect(decide(anApproval(), of, by('ada', { payloadHash: approvedHash })).kind).toBe('granted');
  });

  it('says of a decision that comes second what was decided, by whom and when', () => {
    const vote = { personId: 'ada', decision: 'approve', at: '2026-01-01T00:00:30.000Z', via: 'api' } as const;
    const granted = anApproval({ status: 'granted', votes: [vote] });
    expect(decide(granted, of, by('ada')).kind).toBe('repeat');
    for (const second of [by('ada', { decision: 'reject', comment: 'oh' }), by('bob')]) {
      try {
        decide(granted, of, second);
        expect.fail('it was decided twice');
      } catch (error) {
        expect(error).toMatchObject({
          code: 'already_decided',
          details: { decidedBy: 'ada', decidedAt: vote.at, decision: 'approve' },
        });
      }
    }
  });

  it.each([
    ['expired', 'approval_expired'],
    ['cancelled', 'execution_closed'],
  ] as const)('that is %s is decided no more', (status, code) => {
    expect(codeOf(() => decide(anApproval({ status }), of, by('ada')))).toBe(code);
  });
});

describe('any sequence of decisions', () => {
  it('goes as the model has it', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        let approval = anApproval({ groups: scene.groups, requester: scene.requester, policy: policyOf(scene) });
        const model = new Model(scene);
        for (const { person, decision, minute } of scene.decisions) {
          const given = { ...by(person), decision, comment: 'because', at: new Date(T0 + minute * 60_000) };
          const expected = model.next(person, decision, minute);
          let seen: Verdict['kind'] | ErrorCode;
          try {
            const verdict = decide(approval, scene.of, given);
            seen = verdict.kind;
            approval = after(approval, verdict);
          } catch (error) {
            if (!WfloError.is(error)) throw error;
            seen = error.code;
          }
          expect(seen).toBe(expected);
        }
        expect(approval.status).toBe(model.status);
      }),
      { numRuns: 10_000 },
    );
  }, 60_000);
});

const PEOPLE = ['ada', 'bob', 'cyd', 'dan'];
const NAMES = ['owners', 'leads'];

interface Scene {
  readonly groups: readonly Quorum[];
  readonly of: Memberships;
  readonly requester: ApprovalRecord['requester'];
  readonly notRequester: boolean;
  readonly decisions: readonly { person: string; decision: 'approve' | 'reject'; minute: number }[];
}

const scenes: fc.Arbitrary<Scene> = fc.record({
  groups: fc
    .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 0, max: 2 }))
    .map(([owners, leads]) => [
      { group: 'owners', min: owners },
      ...(leads === 0 ? [] : [{ group: 'leads', min: leads }]),
    ]),
  of: fc
    .tuple(fc.subarray(PEOPLE), fc.subarray(PEOPLE))
    .map((members): Memberships => new Map(members.map((people, index) => [NAMES[index] ?? '', new Set(people)]))),
  requester: fc
    .constantFrom(...PEOPLE, 'eve')
    .map((id): ApprovalRecord['requester'] => ({ type: 'person', id, via: 'api' })),
  notRequester: fc.boolean(),
  decisions: fc
    .array(
      fc.record({
        person: fc.constantFrom(...PEOPLE, 'eve'),
        decision: fc.constantFrom('approve' as const, 'approve' as const, 'reject' as const),
        // Expires at 240.
        minute: fc.integer({ min: 0, max: 260 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((list) => [...list].sort((a, b) => a.minute - b.minute)),
});

function policyOf({ notRequester, groups }: Scene): ApprovalRecord['policy'] {
  return { ...anApproval().policy, notRequester, from: groups };
}

/** The record as the transaction of a verdict leaves it. */
function after(approval: ApprovalRecord, verdict: Verdict): ApprovalRecord {
  if (verdict.kind === 'repeat') return approval;
  const votes = [...approval.votes, verdict.vote];
  if (verdict.kind === 'voted') return { ...approval, votes };
  return { ...approval, votes, status: verdict.kind };
}

/** What should happen, written without looking at how it is done. */
class Model {
  status: ApprovalRecord['status'] = 'pending';
  readonly #scene: Scene;
  readonly #said = new Map<string, 'approve' | 'reject'>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  next(person: string, decision: 'approve' | 'reject', minute: number): Verdict['kind'] | ErrorCode {
    const { of: members, groups, requester, notRequester } = this.#scene;
    if (this.#said.get(person) === decision) return 'repeat';
    if (this.status !== 'pending' || this.#said.has(person)) return 'already_decided';
    if (minute >= 240) return 'approval_expired';
    if (notRequester && requester.id === person) return 'requester_may_not_decide';
    if (!groups.some(({ group }) => members.get(group)?.has(person))) return 'not_an_approver';
    this.#said.set(person, decision);
    if (decision === 'reject') {
      this.status = 'rejected';
      return 'rejected';
    }
    const yes = [...this.#said].filter(([, said]) => said === 'approve').map(([id]) => id);
    if (!this.#satisfied(yes)) return 'voted';
    this.status = 'granted';
    return 'granted';
  }

  /** Whether some way of giving each person one place, or none, fills all places. */
  #satisfied(people: readonly string[]): boolean {
    const places = this.#scene.groups.flatMap(({ group, min }) => Array.from({ length: min }, () => group));
    const fill = (open: readonly string[], free: readonly string[]): boolean => {
      const [place, ...rest] = open;
      if (place === undefined) return true;
      return free.some(
        (person) =>
          this.#scene.of.get(place)?.has(person) === true &&
          fill(
            rest,
            free.filter((other) => other !== person),
          ),
      );
    };
    return fill(places, people);
  }
}
