import { setTimeout as sleep } from 'node:timers/promises';
import type { WfloEvent } from '../../lib/audit/events.ts';
import type { ExecutionView, StartRequest } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { happened, say } from './words.ts';

/** Functions report no usage. */
function ranFor(usage: unknown): string {
  return usage === undefined ? '' : ` after ${(usage as { wallMs: number }).wallMs} ms`;
}

/** The events that carry the story, in a sentence each; the others stay for `wflo events`. */
function sentence({ eventType, stepPath, data }: WfloEvent): string | undefined {
  const error = data.error as { code: string; message: string } | undefined;
  switch (eventType) {
    case 'step.prepared':
      return `${stepPath}: payload frozen, sha256 ${String(data.payloadHash).slice(0, 12)}…`;
    case 'step.started':
      return `${stepPath}: claimed, the payload has its recorded hash, work begins`;
    case 'sandbox.exited':
      return `${stepPath}: work ended ${(data.exit as { reason: string }).reason}${ranFor(data.usage)}`;
    case 'step.succeeded':
      return `${stepPath}: succeeded, output stored`;
    case 'step.retried':
      return `${stepPath}: is tried again`;
    case 'step.failed':
      return `${stepPath}: failed, ${error?.code}: ${error?.message}`;
    default:
      return undefined;
  }
}

/** Starts an execution and tells its events as the chain grows. */
export async function narrate(client: ControlApiClient, request: StartRequest): Promise<ExecutionView> {
  const { execution } = await client.start(request);
  const { executionId } = execution;
  say(`    ${executionId} started with ${JSON.stringify(request.input)}`);
  let told = 0;
  for (;;) {
    const { records, status, eventCount } = await client.events(executionId);
    for (const { event } of records.slice(told)) {
      const line = sentence(event);
      if (line !== undefined) happened(event.timestamp, line);
    }
    told = records.length;
    if (isFinal(status) && told >= eventCount) return client.describe(executionId);
    await sleep(200);
  }
}
