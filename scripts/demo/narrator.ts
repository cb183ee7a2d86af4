import { setTimeout as sleep } from 'node:timers/promises';
import type { WfloEvent } from '../../lib/audit/events.ts';
import { decimalUsd, nanoUsd } from '../../lib/budget/money.ts';
import type { ExecutionView, StartRequest } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { happened, say } from './words.ts';

/** Functions report no usage. */
function ended(reason: string, usage: unknown): string {
  return usage === undefined
    ? `the function ended ${reason}`
    : `the agent ended ${reason} after ${(usage as { wallMs: number }).wallMs} ms`;
}

function dollarsOf(nanoUsdAmount: unknown): string {
  return `$${decimalUsd(nanoUsd(Number(nanoUsdAmount)))}`;
}

/** The events that carry the story, in a sentence each; the others stay for `wflo events`. */
function sentence({ eventType, data, actor }: WfloEvent): string | undefined {
  const error = data.error as { code: string; message: string } | undefined;
  switch (eventType) {
    case 'step.prepared':
      return `payload frozen, sha256 ${String(data.payloadHash).slice(0, 12)}…`;
    case 'step.started':
      return 'claimed, payload unchanged, work begins';
    case 'sandbox.exited':
      return ended((data.exit as { reason: string }).reason, data.usage);
    case 'step.succeeded':
      return 'succeeded, output stored';
    case 'approval.requested':
      return `waits: ${(data.groups as { group: string; min: number }[]).map(({ group, min }) => `${min} of ${group}`).join(', ')} must approve, not ${(data.requester as { id: string }).id}, who started it`;
    case 'approval.granted':
      return `approved by ${(data.approvers as string[]).join(', ')}`;
    case 'approval.rejected':
      return `rejected by ${actor.id}: ${data.reason}`;
    case 'approval.claimed':
      return 'the approval is used, and cannot be used again';
    case 'approval.refused':
      return `refused: ${data.message}`;
    case 'cost.exceeded':
      return `refused: a call could cost ${dollarsOf(data.neededNanoUsd)}, and of ${dollarsOf(data.limitNanoUsd)} ${dollarsOf(data.spentNanoUsd)} are spent and ${dollarsOf(data.heldNanoUsd)} held`;
    case 'cost.alert':
      return `${Math.round(Number(data.threshold) * 100)} % of its budget are spent`;
    case 'step.retried':
      return 'is tried again';
    case 'step.failed':
      return `failed, ${error?.code}: ${error?.message}`;
    default:
      return undefined;
  }
}

/** Starts an execution and tells its events as the chain grows. `onAsked`: somebody has to decide. */
export async function narrate(
  client: ControlApiClient,
  request: StartRequest,
  onAsked: (approvalId: string) => Promise<void> = async () => undefined,
): Promise<ExecutionView> {
  const { execution } = await client.start(request);
  const { executionId } = execution;
  const width = Math.max(...execution.steps.map(({ path }) => path.length));
  say(`    ${executionId} started with ${JSON.stringify(request.input)}`);
  let told = 0;
  for (;;) {
    const { records, status, eventCount } = await client.events(executionId);
    for (const { event } of records.slice(told)) {
      const line = sentence(event);
      if (line !== undefined) happened(event.timestamp, event.stepPath ?? '', width, line);
      if (event.eventType === 'approval.requested') await onAsked(String(event.data.approvalId));
    }
    told = records.length;
    if (isFinal(status) && told >= eventCount) return client.describe(executionId);
    await sleep(200);
  }
}
