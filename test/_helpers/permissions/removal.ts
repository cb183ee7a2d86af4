import { type Call, decide, like } from './evaluate.ts';
import type { PolicyStatement } from './policies.ts';

/** Action and resource of a statement, as text: the smallest thing that could be taken away from it. */
export interface Grant {
  readonly id: string;
  readonly statement: PolicyStatement;
}

/** `<owner>: <action> on <resource>` of every allowing statement. */
export function grantsOf(statements: readonly PolicyStatement[]): readonly Grant[] {
  return statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap((statement) =>
      statement.actions.flatMap((action) =>
        statement.resources.map((resource) => ({
          id: `${statement.owner}: ${action} on ${resource}${sidOf(statement)}`,
          statement: { ...statement, actions: [action], resources: [resource] },
        })),
      ),
    );
}

function sidOf({ sid }: PolicyStatement): string {
  return sid === undefined ? '' : ` (${sid})`;
}

/** Grants that no call needs. */
export function unused(statements: readonly PolicyStatement[], calls: readonly Call[]): readonly string[] {
  const needed = new Set<string>();
  for (const call of calls) {
    for (const statement of decide(call, statements).by) {
      for (const action of statement.actions.filter((each) => like(each.toLowerCase(), call.action.toLowerCase()))) {
        for (const resource of statement.resources.filter((each) => like(each, call.resource))) {
          needed.add(`${statement.id} ${action} ${resource}`);
        }
      }
    }
  }
  return grantsOf(statements)
    .filter(({ statement }) => !needed.has(`${statement.id} ${statement.actions[0]} ${statement.resources[0]}`))
    .map(({ id }) => id);
}

/** Statements without which every call would be decided as before. */
export function removedUnnoticed(
  statements: readonly PolicyStatement[],
  calls: { readonly allowed: readonly Call[]; readonly refused: readonly Call[] },
): readonly PolicyStatement[] {
  return statements.filter((removed) => {
    const without = statements.filter((statement) => statement !== removed);
    return removed.effect === 'Allow'
      ? calls.allowed.every((call) => decide(call, without).allowed)
      : calls.refused.every((call) => !decide(call, without).allowed);
  });
}
