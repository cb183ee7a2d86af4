import { executionIdOfApproval } from '../../../lib/approvals/approval-id.ts';
import type { TaskTokenReader, TaskTokenWriter } from '../../../lib/ports.ts';

/** Both sides in one; who is given which is a matter of types. */
export class FakeTaskTokens implements TaskTokenReader, TaskTokenWriter {
  readonly tokens = new Map<string, string>();

  async put(approvalId: string, token: string): Promise<void> {
    executionIdOfApproval(approvalId);
    this.tokens.set(approvalId, token);
  }

  async get(approvalId: string): Promise<string | undefined> {
    executionIdOfApproval(approvalId);
    return this.tokens.get(approvalId);
  }

  async remove(approvalId: string): Promise<void> {
    executionIdOfApproval(approvalId);
    this.tokens.delete(approvalId);
  }
}
