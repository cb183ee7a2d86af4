import type { ApprovalSummary } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import type { Context } from './command.ts';
import { usage } from './invocation.ts';
import { askedText } from './render-approvals.ts';

/**
 * The approval id that a person means: itself, or that of the one approval that an execution waits for. Throws
 * `unknown_approval` where it waits for none, and `usage`, with all of them, where it waits for several.
 */
export async function resolveApproval(
  client: Pick<ControlApiClient, 'approvals'>,
  word: string,
  { output, signal }: Pick<Context, 'output' | 'signal'>,
): Promise<string> {
  // `<workflow>:<name>` is an execution; an approval has step and number behind that.
  if (word.split(':').length !== 2) return word;
  const pending: ApprovalSummary[] = [];
  for await (const page of client.approvals({ pageSize: 100 }, { signal })) {
    pending.push(...page.filter(({ executionId }) => executionId === word));
  }
  const [only, ...others] = pending;
  if (only === undefined) {
    throw new WfloError('unknown_approval', `${word} waits for no approval`, {
      fix: `see how it stands: wflo status ${word}`,
      details: { executionId: word },
    });
  }
  if (others.length > 0) {
    const lines = pending.map((one) => `${one.approvalId}  ${one.stepPath}  ${askedText(one)}`);
    throw usage(
      [`${word} waits for ${pending.length} approvals:`, ...lines].join('\n'),
      'name one of them instead of the execution',
    );
  }
  output.note(`${word} waits for one approval: ${only.approvalId}`);
  return only.approvalId;
}
