import type { ExecutionSummary, StepView } from '../../lib/client/api.ts';
import type { AttemptRecord, DeclaredStep, ExecutionRecord } from '../../lib/execution/records.ts';

/** Cost is null throughout: no component measures it. */
export function summaryOf(record: ExecutionRecord): ExecutionSummary {
  return {
    executionId: record.executionId,
    workflow: record.workflow,
    status: record.status,
    startedAt: record.startedAt,
    endedAt: record.endedAt ?? null,
    costUsd: null,
    budgetUsd: null,
    requester: { id: record.requester.id, verified: record.requester.type !== 'unverified' },
    ...(record.error === undefined ? {} : { error: record.error }),
  };
}

/** The declared steps in their order, each with its latest attempt; then attempts of paths that none declares. */
export function stepViews(declared: readonly DeclaredStep[], attempts: readonly AttemptRecord[]): readonly StepView[] {
  const latest = new Map<string, AttemptRecord>();
  for (const attempt of attempts) {
    const known = latest.get(attempt.path);
    if (known === undefined || known.attempt < attempt.attempt) latest.set(attempt.path, attempt);
  }
  const paths = new Set(declared.map((step) => step.path));
  const undeclared = [...latest.values()].filter((attempt) => !paths.has(attempt.path));
  return [...declared, ...undeclared].map((step) => stepView(step, latest.get(step.path)));
}

function stepView(step: DeclaredStep, attempt: AttemptRecord | undefined): StepView {
  if (attempt === undefined) {
    return {
      path: step.path,
      kind: step.kind,
      status: 'pending',
      attempt: 0,
      startedAt: null,
      endedAt: null,
      costUsd: null,
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
    costUsd: null,
  };
}
