import type { ScheduledEvent } from 'aws-lambda';
import type { Hold } from '../../lib/budget/ledger.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { usageReportRecords } from '../../lib/model-calls/usage-report/usage-records.ts';
import type { ProviderRecords } from '../../lib/ports.ts';
import { environment } from '../shared/environment.ts';
import { outcomeSignals } from '../shared/outcome-signals.ts';
import { describeFailure, platformHandler } from '../shared/platform-handler.ts';
import {
  announcements,
  auditStore,
  bedrockRecords,
  blobStore,
  budgets,
  clock,
  eventBus,
  executionStore,
  functionCaller,
  ids,
  ledger,
  outboxStore,
  sandboxTasks,
  stateMachines,
  tenants,
  usageKeys,
} from '../shared/ports.ts';
import { logger, metrics } from '../shared/powertools.ts';
import { type CheckResult, failuresOf, reconcile } from './reconcile.ts';
import { recordsByProvider } from './records-by-provider.ts';
import { reportGet } from './report-get.ts';

/** Fails in the end when a check failed, so that the function's own error metric shows it. */
export const handler = platformHandler<ScheduledEvent, readonly CheckResult[]>(
  { summarise: (results) => Object.fromEntries(results.map(({ check, repaired }) => [check, repaired])) },
  async (_event, context) => {
    const results = await reconcile({
      records: { records: providerRecords(), ledger: ledger(), prices: priceBook(), leftToPerson },
      executions: executionStore(),
      outbox: outboxStore(),
      audit: auditStore(),
      bus: eventBus(),
      tasks: sandboxTasks(),
      blobs: blobStore(),
      signals: outcomeSignals,
      machines: stateMachines(context.invokedFunctionArn),
      ledger: ledger(),
      budgets: budgets(),
      announcements: announcements(),
      clock,
      ids,
      stage: environment('WFLO_STAGE'),
      resumeApprovals: async (approvalIds) => {
        await functionCaller().begin(environment('RESUME_FUNCTION'), { approvalIds });
      },
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
    for (const { check, repaired, failures, lateSeconds } of results) {
      const metric = metrics.singleMetric();
      metric.addDimension('check', check);
      metric.addMetric('ReconcileRepairs', 'Count', repaired);
      if (lateSeconds !== undefined) {
        const late = metrics.singleMetric();
        late.addDimension('check', check);
        late.addMetric('ReconcileLateSeconds', 'Seconds', lateSeconds);
      }
      for (const failure of failures) logger.error('check failed', { check, failure: describeFailure(failure) });
    }
    const failures = failuresOf(results);
    // Also a run with failures came to its end. Where this is missing, there was none, or it was cut off.
    metrics.addMetric('ReconcileRuns', 'Count', 1);
    metrics.addMetric('ReconcileFailures', 'Count', failures.length);
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} checks or repairs failed`);
    return results;
  },
);

/** Of one run: a report is read once for all holds of its day. */
function providerRecords(): ProviderRecords {
  const bedrock = bedrockRecords();
  const reports = usageReportRecords({
    clock,
    access: usageKeys(),
    get: reportGet,
    ledger: ledger(),
    budgets: budgets(),
    tenants,
    prices: priceBook(),
    problem: reportProblem,
  });
  return recordsByProvider({
    openai: reports,
    anthropic: reports,
    ...(bedrock === undefined ? {} : { bedrock }),
  });
}

/** What a person has to see to: a key that is refused, or a secret that cannot be read. */
function reportProblem(provider: string, reason: string): void {
  const metric = metrics.singleMetric();
  metric.addDimension('provider', provider);
  metric.addMetric('UsageReportUnreadable', 'Count', 1);
  logger.error('the usage report of a provider cannot be read', { provider, reason });
}

function leftToPerson({ holdId, payer, purpose }: Hold, reason: string): void {
  logger.warn('an unsettled hold is left to a person', {
    executionId: payer.executionId,
    holdId,
    provider: purpose.provider,
    model: purpose.model,
    reason,
  });
}
