import { setTimeout as sleep } from 'node:timers/promises';
import { verifyChain } from '../../audit/chain.ts';
import type { ControlApiClient, EventChain } from '../../client/client.ts';
import { WfloError } from '../../errors.ts';
import { isFinal } from '../../execution/status.ts';
import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import type { Style } from '../style.ts';
import { targetOf } from '../target.ts';

/** How long the events of a final execution may take into the chain before they count as missing. */
const RELAY_WAIT_MS = 10_000;
const RELAY_PAUSE_MS = 500;

export interface AuditReport {
  readonly executionId: string;
  readonly status: EventChain['status'];
  readonly verified: boolean;
  /** False: the execution goes on, or its last events are still on their way into the chain. */
  readonly complete: boolean;
  readonly recordCount: number;
  readonly eventCount: number;
  /** Hash of the last record; null for an empty chain. */
  readonly headHash: string | null;
  readonly problems: readonly { readonly kind: string; readonly seq: number; readonly message: string }[];
}

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'recompute the event chain of an execution and count its events',
  description:
    'Recomputes every hash on this machine, and compares the number of records with the number of events that the transactions of the execution wrote. ' +
    `An execution that has just ended is given ${RELAY_WAIT_MS / 1000} s for its last events to arrive. Exit 1 (\`audit_broken\`) where anything does not fit.`,
  positionals: [EXECUTION],
  options: [...TARGET_OPTIONS],
  json: '`{ executionId, status, verified, complete, recordCount, eventCount, headHash, problems: [{ kind, seq, message }] }`',
  examples: [
    { command: 'wflo audit verify hello:20261124-145753-1f0c9a2b --local', shows: 'whether the record is whole' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const executionId = invocation.positional('execution');
    const client = await connect(targetOf(invocation, env));
    const chain = await wholeChain(client, executionId, signal);
    const report = auditReport(executionId, chain);
    output.result(report, () => auditLines(report, output.style));
    if (report.verified) return;
    throw new WfloError('audit_broken', `the event chain of ${executionId} does not verify`, {
      fix: 'compare it with CloudTrail: who wrote to the Audit table?',
      details: { executionId, kinds: report.problems.map((problem) => problem.kind) },
    });
  },
};

async function wholeChain(client: ControlApiClient, executionId: string, signal: AbortSignal): Promise<EventChain> {
  const deadline = Date.now() + RELAY_WAIT_MS;
  for (;;) {
    const chain = await client.events(executionId, { signal });
    const lags = isFinal(chain.status) && chain.records.length < chain.eventCount;
    if (!lags || Date.now() >= deadline) return chain;
    await sleep(RELAY_PAUSE_MS, undefined, { signal });
  }
}

/** While an execution is open its chain may be shorter than its count, never longer. */
export function auditReport(executionId: string, { records, eventCount, status }: EventChain): AuditReport {
  const mayLag = !isFinal(status) && records.length < eventCount;
  const verdict = verifyChain(records, mayLag ? undefined : eventCount);
  return {
    executionId,
    status,
    verified: verdict.ok,
    complete: isFinal(status) && records.length === eventCount,
    recordCount: records.length,
    eventCount,
    headHash: records.at(-1)?.hash ?? null,
    problems: verdict.ok ? [] : verdict.problems,
  };
}

export function auditLines(report: AuditReport, style: Style): string[] {
  if (!report.verified) {
    return [
      `${style('red', '✗ broken')}  ${report.executionId}  ${report.recordCount} records, ${report.eventCount} events written`,
      ...report.problems.map((problem) => `  ${problem.kind}: ${problem.message}`),
    ];
  }
  const lines = [
    `${style('green', '✓ verified')}  ${report.executionId}  ${report.recordCount} records, head ${report.headHash ?? 'none'}`,
  ];
  if (!report.complete) {
    const lag = report.eventCount - report.recordCount;
    lines.push(
      `  the execution is still ${report.status}${lag > 0 ? `, and ${lag} events are not yet in the chain` : ''}: verify again when it has ended`,
    );
  }
  return lines;
}
