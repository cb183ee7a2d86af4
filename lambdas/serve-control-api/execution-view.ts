import type { AttemptTotal, ScopeState } from '../../lib/budget/ledger.ts';
import { dollars, sumUsd } from '../../lib/budget/money.ts';
import type { ExecutionSummary, StepView } from '../../lib/client/api.ts';
import type { AttemptRecord, DeclaredStep, ExecutionRecord } from '../../lib/execution/records.ts';

/** `scope`: what the ledger has of it. */
export function summaryOf(record: ExecutionRecord, scope: ScopeState | undefined): ExecutionSummary {
  return {
    executionId: record.executionId,
    workflow: record.workflow,
    status: record.status,
    startedAt: record.startedAt,
    endedAt: record.endedAt ?? null,
    costUsd: scope === undefined ? null : dollars(scope.spent),
    budgetUsd: scope?.limit === undefined ? null : dollars(scope.limit),
    requester: { id: record.requester.id, verified: record.requester.type !== 'unverified' },
    ...(record.error === undefined ? {} : { error: record.error }),
  };
}

/** The declared steps in their order, each with its latest attempt; then attempts of paths that none declares. */
export function stepViews(
  declared: readonly DeclaredStep[],
  attempts: readonly AttemptRecord[],
  totals: readonly AttemptTotal[],
): readonly StepView[] {
  const latest = new Map<string, AttemptRecord>();
  for (const attempt of attempts) {
    const known = latest.get(attempt.path);
    if (known === undefined || known.attempt < attempt.attempt) latest.set(attempt.path, attempt);
  }
  const paths = new Set(declared.map((step) => step.path));
  const undeclared = [...latest.values()].filter((attempt) => !paths.has(attempt.path));
  return [...declared, ...undeclared].map((step) =>
    stepView(step, latest.get(step.path), costOfStep(step.path, totals)),
  );
}

function costOfStep(path: string, totals: readonly AttemptTotal[]): number | null {
  const own = totals.filter((total) => total.path === path);
  return own.length === 0 ? null : dollars(sumUsd(...own.map(({ cost }) => cost)));
}

function stepView(step: DeclaredStep, attempt: AttemptRecord | undefined, costUsd: number | null): StepView {
  if (attempt === undefined) {
    return {
      path: step.path,
      kind: step.kind,
      status: 'pending',
      attempt: 0,
      startedAt: null,
      endedAt: null,
      costUsd,
    };
  }
  return {
    path: attempt.path,
    kind: attempt.kind,
    status: attempt.status,
    attempt: attempt.attempt,
    startedAt: attempt.preparedAt,
    endedAt: attempt.endedAt ?? attempt.exitedAt ?? null,
    ...(attempt.exit === undefined ? {} : { exit: attempt.exit }),
    ...(attempt.error === undefined ? {} : { error: attempt.error }),
    ...(attempt.approvalId === undefined ? {} : { approvalId: attempt.approvalId }),
    costUsd,
  };
}
