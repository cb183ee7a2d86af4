import type { EventsAnswer, ExecutionView, ListAnswer, LogsAnswer, WorkflowsAnswer } from '../../lib/client/api.ts';
import { didYouMean } from '../../lib/client/nearest.ts';
import { WfloError } from '../../lib/errors.ts';
import { parseExecutionId } from '../../lib/execution/identity.ts';
import type { ExecutionRecord } from '../../lib/execution/records.ts';
import { type ExecutionStatus, isFinal } from '../../lib/execution/status.ts';
import { stepViews, summaryOf } from './execution-view.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';

/** A stored output above this stays out of the answer: a Lambda answers 6 MB, where every quote of the text counts twice. */
const OUTPUT_IN_ANSWER_BYTES = 2 * 1024 * 1024;

/** How long CloudWatch Logs may take to show lines that were written before the execution ended. */
const LOGS_SETTLE_MS = 5_000;

/** Throws `unknown_execution` for what does not exist, and for what belongs to another tenant. */
export async function loadExecution(
  ports: Pick<ControlApiPorts, 'executions'>,
  principal: Principal,
  executionId: string,
): Promise<ExecutionRecord> {
  parseExecutionId(executionId);
  const record = await ports.executions.getExecution(executionId);
  if (record === undefined || record.tenant !== principal.tenant) {
    throw new WfloError('unknown_execution', `no execution ${executionId} exists`, {
      fix: 'use an id that `wflo list` prints',
    });
  }
  return record;
}

export async function viewOf(
  ports: Pick<ControlApiPorts, 'executions' | 'blobs' | 'budgets'>,
  record: ExecutionRecord,
): Promise<ExecutionView> {
  const { executionId } = record;
  const [attempts, asked, scope, totals, output] = await Promise.all([
    ports.executions.listAttempts(executionId),
    budgetApprovals(ports, record),
    ports.budgets.getScope({ kind: 'execution', executionId }),
    ports.budgets.attemptTotals(executionId),
    outputOf(ports, record),
  ]);
  return {
    ...summaryOf(record, scope),
    ...output,
    steps: stepViews(record.steps, attempts, totals),
    ...(asked.length === 0 ? {} : { budgetApprovals: asked }),
    eventCount: record.eventCount,
  };
}

/** Pending ones; those of steps are told with their steps. */
async function budgetApprovals(
  ports: Pick<ControlApiPorts, 'executions'>,
  { executionId, status, openApprovals = 0 }: ExecutionRecord,
): Promise<readonly string[]> {
  if (openApprovals === 0 || isFinal(status)) return [];
  const approvals = await ports.executions.listApprovals(executionId);
  return approvals
    .filter((approval) => approval.status === 'pending' && approval.raise !== undefined)
    .map(({ approvalId }) => approvalId);
}

async function outputOf(
  ports: Pick<ControlApiPorts, 'blobs'>,
  { executionId, output }: ExecutionRecord,
): Promise<Pick<ExecutionView, 'output' | 'outputUrl'>> {
  if (output === undefined) return {};
  if (output.bytes > OUTPUT_IN_ANSWER_BYTES) return { outputUrl: await ports.blobs.downloadUrl(output.key) };
  return { output: await ports.blobs.get(executionId, output) };
}

export interface ListQuery {
  readonly workflow?: string;
  readonly status?: ExecutionStatus;
  readonly limit: number;
  readonly cursor?: string;
}

export async function listExecutions(
  ports: ControlApiPorts,
  principal: Principal,
  query: ListQuery,
): Promise<ListAnswer> {
  const page = await ports.executions.listExecutions({ tenant: principal.tenant, ...query });
  if (query.workflow !== undefined && query.cursor === undefined && page.items.length === 0 && !page.cursor) {
    // A workflow that was removed still has its executions, so that only an empty answer can be a wrong name.
    const workflows = await ports.workflows.names();
    if (!workflows.includes(query.workflow)) throw unknownWorkflow(query.workflow, workflows);
  }
  const scopes = await ports.budgets.executionScopes(page.items.map(({ executionId }) => executionId));
  return {
    executions: page.items.map((record) => summaryOf(record, scopes.get(record.executionId))),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  };
}

export function unknownWorkflow(workflow: string, deployed: readonly string[]): WfloError {
  const exist = deployed.length === 0 ? 'none is deployed' : `deployed are: ${deployed.join(', ')}`;
  return new WfloError('unknown_workflow', `no workflow "${workflow}" is deployed.${didYouMean(workflow, deployed)}`, {
    fix: deployed.length === 0 ? 'deploy a workflow first' : `use one that is deployed; ${exist}`,
    details: { workflow, deployed },
  });
}

export async function listWorkflows(ports: Pick<ControlApiPorts, 'workflows'>): Promise<WorkflowsAnswer> {
  const names = await ports.workflows.names();
  const configs = await Promise.all(names.map((name) => ports.workflows.config(name)));
  return {
    workflows: names.flatMap((name, index) => {
      const config = configs[index];
      // Removed between the two reads.
      return config === undefined ? [] : [{ name, inputSchema: config.inputSchema }];
    }),
  };
}

export async function readEvents(
  ports: Pick<ControlApiPorts, 'audit'>,
  execution: ExecutionRecord,
  query: { readonly after: number; readonly limit: number },
): Promise<EventsAnswer> {
  const page = await ports.audit.list(execution.executionId, query.after, query.limit);
  const last = page.items.at(-1);
  return {
    records: page.items,
    ...(page.cursor === undefined || last === undefined ? {} : { cursor: String(last.seq) }),
    eventCount: execution.eventCount,
    status: execution.status,
  };
}

/** `execution` must have been read before: what it was when the lines were read decides whether more can come. */
export async function readLogs(
  ports: Pick<ControlApiPorts, 'logs' | 'clock'>,
  execution: ExecutionRecord,
  query: { readonly stepPath?: string; readonly cursor?: string; readonly limit: number },
): Promise<LogsAnswer> {
  const paths = execution.steps.map((step) => step.path);
  if (query.stepPath !== undefined && !paths.includes(query.stepPath)) {
    throw new WfloError(
      'invalid_request',
      `${execution.workflow} has no step "${query.stepPath}".${didYouMean(query.stepPath, paths)}`,
      { fix: `use one of: ${paths.join(', ')}`, details: { step: query.stepPath, steps: paths } },
    );
  }
  const page = await ports.logs.read(execution.executionId, query);
  const endedMs = execution.endedAt === undefined ? Number.NaN : Date.parse(execution.endedAt);
  const settled = ports.clock.now().getTime() - endedMs >= LOGS_SETTLE_MS;
  return {
    lines: page.items,
    cursor: page.cursor ?? query.cursor ?? '',
    done: isFinal(execution.status) && settled && page.items.length === 0,
  };
}
