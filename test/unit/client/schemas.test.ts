import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import type * as api from '../../../lib/client/api.ts';
import { ANSWERS, type AnswerName, type ErrorAnswer } from '../../../lib/client/schemas.ts';
import type { ErrorData } from '../../../lib/errors.ts';
import type { Json } from '../../../lib/json.ts';

/** The contract is read-only throughout, what Zod infers is not. JSON is the same in both. */
type ReadOnly<T> = T extends string | number | boolean | null | undefined
  ? T
  : unknown extends T
    ? T
    : Json extends T
      ? T
      : T extends readonly (infer E)[]
        ? readonly ReadOnly<E>[]
        : { readonly [K in keyof T]: ReadOnly<T[K]> };

/** Also of optional fields, which two types can be assigned to each other without. */
type Same<A, B> =
  (<T>() => T extends ReadOnly<A> ? 1 : 2) extends <T>() => T extends ReadOnly<B> ? 1 : 2 ? true : false;

interface Contract {
  readonly ExecutionView: api.ExecutionView;
  readonly ListAnswer: api.ListAnswer;
  readonly EventsAnswer: api.EventsAnswer;
  readonly LogsAnswer: api.LogsAnswer;
  readonly WorkflowsAnswer: api.WorkflowsAnswer;
  readonly ExecutionCostsAnswer: api.ExecutionCostsAnswer;
  readonly BudgetView: api.BudgetView;
  readonly CostEntryView: api.CostEntryView;
  readonly HoldsAnswer: api.HoldsAnswer;
  readonly CostsAnswer: api.CostsAnswer;
  readonly TenantBudgetAnswer: api.TenantBudgetAnswer;
  readonly ApprovalView: api.ApprovalView;
  readonly ApprovalsAnswer: api.ApprovalsAnswer;
  readonly PersonView: api.PersonView;
  readonly PeopleAnswer: api.PeopleAnswer;
  readonly GroupView: api.GroupView;
  readonly GroupsAnswer: api.GroupsAnswer;
  readonly AttestedRole: api.AttestRequest;
  readonly TenantEventsAnswer: api.TenantEventsAnswer;
  readonly FreezeView: api.FreezeView;
}

/** Each schema against the type of its name: a difference is an error of the compiler here. */
const SAME: { readonly [K in AnswerName]: Same<z.output<(typeof ANSWERS)[K]>, Contract[K]> } = {
  ExecutionView: true,
  ListAnswer: true,
  EventsAnswer: true,
  LogsAnswer: true,
  WorkflowsAnswer: true,
  ExecutionCostsAnswer: true,
  BudgetView: true,
  CostEntryView: true,
  HoldsAnswer: true,
  CostsAnswer: true,
  TenantBudgetAnswer: true,
  ApprovalView: true,
  ApprovalsAnswer: true,
  PersonView: true,
  PeopleAnswer: true,
  GroupView: true,
  GroupsAnswer: true,
  AttestedRole: true,
  TenantEventsAnswer: true,
  FreezeView: true,
};
const SAME_ERROR: Same<z.output<typeof ErrorAnswer>, { readonly error: ErrorData }> = true;

describe('the schemas of answers', () => {
  it('are the types of the contract', () => {
    expect(Object.keys(SAME)).toEqual(Object.keys(ANSWERS));
    expect(SAME_ERROR).toBe(true);
  });
});
