import { cancelled } from '../../lib/approvals/transitions.ts';
import { buildEvent } from '../../lib/audit/build-event.ts';
import { type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { lastCheckAt } from '../../lib/execution/check-at.ts';
import { inlineOutput } from '../../lib/execution/inline-output.ts';
import { loadValues } from '../../lib/execution/load-values.ts';
import type { CloseAnswer, CloseEvent } from '../../lib/execution/machine.ts';
import { countOff } from '../../lib/execution/open-count.ts';
import type { ExecutionRecord, Handle } from '../../lib/execution/records.ts';
import { resolveTemplate } from '../../lib/execution/resolve-template.ts';
import { ACTIVE, isFinal } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { Json } from '../../lib/json.ts';
import type { BlobStore, Clock, ExecutionStore, Ids } from '../../lib/ports.ts';
import { refsOf, type Template } from '../../lib/workflow/template.ts';

export interface ClosePorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * Builds and stores the output, and ends the execution as succeeded, unless it is ending in another way. A repeated
 * call gives the same answer.
 */
export async function closeExecution(ports: ClosePorts, event: CloseEvent): Promise<CloseAnswer> {
  expectSchema(event.schema);
  const { executionId } = event;
  return untilDecided(async () => {
    const execution = await ports.executions.getExecution(executionId);
    if (execution === undefined) throw new WfloError('unknown_execution', `there is no execution ${executionId}`);
    if (execution.status === 'succeeded' && execution.output !== undefined) {
      return success(execution.output, await ports.blobs.get(executionId, execution.output));
    }
    if (isFinal(execution.status) || execution.ending !== undefined) return refusal(errorOf(execution));

    const built = await buildOutput(ports, event, execution);
    if (!built.ok) return (await beginToFail(ports, execution, built.error)) ? refusal(built.error) : undefined;
    const handle = await ports.blobs.put(executionId, 'output', built.value);
    return (await succeed(ports, execution, handle)) ? success(handle, built.value) : undefined;
  });
}

type Built = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: ErrorData };

async function buildOutput(ports: ClosePorts, event: CloseEvent, execution: ExecutionRecord): Promise<Built> {
  const template = JSON.parse(event.output) as Template;
  try {
    const stored = { input: execution.input, steps: event.steps };
    const values = await loadValues(ports.blobs, execution.executionId, refsOf(template), stored);
    return { ok: true, value: resolveTemplate(template, values) };
  } catch (error) {
    if (!WfloError.is(error) || error.code === 'internal') throw error;
    return { ok: false, error: toErrorData(error) };
  }
}

async function succeed(ports: ClosePorts, execution: ExecutionRecord, output: Handle): Promise<boolean> {
  const now = ports.clock.now();
  const checkAt = lastCheckAt(now, execution);
  const unasked = await withdrawAll(ports, execution);
  return ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      {
        item: 'execution',
        set: {
          status: 'succeeded',
          output,
          endedAt: now.toISOString(),
          ...(checkAt === undefined ? {} : { checkAt }),
        },
        remove: checkAt === undefined ? ['checkAt', 'counted'] : ['counted'],
        expect: {
          status: { oneOf: ACTIVE },
          ending: { absent: true },
          counted: execution.counted ?? { absent: true },
          openApprovals: execution.openApprovals ?? { absent: true },
        },
      },
      ...countOff(execution),
      ...unasked.map(({ change }) => change),
    ],
    events: [
      ...unasked.map(({ event }) => event),
      buildEvent(ports, execution, {
        type: 'workflow.succeeded',
        actor: GRAPH,
        data: { outputSha256: output.sha256 },
      }),
    ],
  });
}

/** An agent may end well without the budget that somebody is still asked to raise. No gate is open here. */
async function withdrawAll(
  ports: ClosePorts,
  execution: ExecutionRecord,
): Promise<readonly ReturnType<typeof cancelled>[]> {
  if ((execution.openApprovals ?? 0) === 0) return [];
  const approvals = await ports.executions.listApprovals(execution.executionId);
  return approvals
    .filter(({ status }) => status === 'pending')
    .map((approval) => cancelled(ports, execution, approval, GRAPH, 'the execution has succeeded'));
}

/** The end handler closes the record, when the graph has failed. */
function beginToFail(ports: ClosePorts, execution: ExecutionRecord, error: ErrorData): Promise<boolean> {
  return ports.executions.commit({
    executionId: execution.executionId,
    changes: [
      {
        item: 'execution',
        set: { ending: { status: 'failed', actor: GRAPH, reason: error.message, error } },
        expect: { status: { oneOf: ACTIVE }, ending: { absent: true } },
      },
    ],
    events: [],
  });
}

function errorOf({ executionId, status, ending }: ExecutionRecord): ErrorData {
  // While it is ending, its machine fails with the true reason. Once it has ended, this is a redrive.
  if (!isFinal(status) && ending?.error !== undefined) return ending.error;
  const state =
    ending === undefined || isFinal(status)
      ? `has ended as ${status}`
      : `is ending as ${ending.status}: ${ending.reason}`;
  return { code: 'execution_closed', message: `${executionId} ${state}` };
}

function success(handle: Handle, value: Json): CloseAnswer {
  return { ok: true, output: inlineOutput(handle, value), error: null };
}

function refusal({ code, message }: ErrorData): CloseAnswer {
  return { ok: false, output: null, error: { code, message } };
}
