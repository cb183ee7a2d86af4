import type { Json } from '../json.ts';
import type { Quorum } from '../workflow/definition.ts';
import { type Duration, secondsOf } from '../workflow/durations.ts';
import { WorkflowTestError } from './test-error.ts';

/** What one person says. */
export interface PersonDecision {
  readonly person: string;
  readonly decision: 'approve' | 'reject';
  /** The reason of a rejection. */
  readonly comment?: string;
}

/** What people say to one request. */
export interface ApprovalAnswer {
  readonly decisions: readonly PersonDecision[];
  /** From the request. */
  readonly afterSeconds: number;
  /** The same, so long after the request: `approvedBy('ada').after(minutes(10))`. */
  after(duration: Duration): ApprovalAnswer;
}

/** What people are asked. */
export interface ApprovalRequest {
  /** Of the gate, or of the step that is approved. */
  readonly path: string;
  /** How often this was asked, from 1: an attempt that is repeated after it began asks again. */
  readonly attempt: number;
  /** The value of a gate of its own; the `input` or `with` of a step that is approved. */
  readonly subject: Json;
  readonly from: readonly Quorum[];
  readonly now: Date;
}

/** One answer, several of different people, or a function of what is asked. */
export type ApprovalStub =
  | ApprovalAnswer
  | readonly ApprovalAnswer[]
  | ((request: ApprovalRequest) => ApprovalAnswer | readonly ApprovalAnswer[]);

/** All of these people approve. Where more are needed, the approval stays open until it expires. */
export function approvedBy(...people: readonly [string, ...string[]]): ApprovalAnswer {
  return answer(people.map((person) => ({ person, decision: 'approve' })));
}

/** This person rejects, and says why. */
export function rejectedBy(person: string, reason: string): ApprovalAnswer {
  return answer([{ person, decision: 'reject', comment: reason }]);
}

/** Nobody says anything in time. */
export function expires(): ApprovalAnswer {
  return answer([]);
}

function answer(decisions: readonly PersonDecision[], afterSeconds = 0): ApprovalAnswer {
  return {
    decisions,
    afterSeconds,
    after(duration) {
      const seconds = secondsOf(duration);
      if (Number.isFinite(seconds) && seconds >= 0) return answer(decisions, seconds);
      throw new WorkflowTestError('after() got no length of time', 'write after(minutes(10))');
    },
  };
}
