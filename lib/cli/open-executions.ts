import type { ExecutionSummary } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import { EXECUTION_STATUSES, isFinal } from '../execution/status.ts';
import type { Output } from './output.ts';
import { summaryLines } from './render-execution.ts';

/** Shown by name; the rest is counted. */
const SHOWN = 10;

/** At most about so many; all of them without a limit. */
export async function openExecutions(
  client: ControlApiClient,
  signal: AbortSignal,
  limit = Number.POSITIVE_INFINITY,
): Promise<ExecutionSummary[]> {
  const open: ExecutionSummary[] = [];
  for (const status of EXECUTION_STATUSES.filter((one) => !isFinal(one))) {
    for await (const page of client.list({ status, pageSize: 100 }, { signal })) {
      open.push(...page);
      if (open.length >= limit) return open;
    }
  }
  return open;
}

/** `many` follows the number: what they do, or what becomes of them. */
export function noteOpen(open: readonly ExecutionSummary[], many: string, output: Output): void {
  output.note(open.length === 0 ? 'no execution is open' : many);
  for (const line of summaryLines(open.slice(0, SHOWN), new Date(), (_, text) => text)) output.note(`  ${line}`);
  if (open.length > SHOWN) output.note(`  and ${open.length - SHOWN} more`);
}

/** Synthesis takes long, and CDK then says less. */
export function refuseWithoutAccount({ message, details }: WfloError): void {
  const reason = (details as { readonly reason?: unknown } | undefined)?.reason;
  if (reason !== 'no_credentials' && reason !== 'no_region') return;
  throw new WfloError('no_target', message, {
    fix: 'sign in to AWS (AWS_PROFILE, `aws sso login`), set AWS_REGION, and repeat the command',
    details: { reason },
  });
}
