import { executionIdOfApproval } from '../../../lib/approvals/approval-id.ts';
import type { TaskTokenReader, TaskTokenWriter } from '../../../lib/ports.ts';

/** Both sides in one; who is given which is a matter of types. */
export class FakeTaskTokens implements TaskTokenReader, TaskTokenWriter {
  readonly tokens = new Map<string, string>();
  readonly #askedAt = new Map<string, number>();

  async put(approvalId: string, token: string, askedAt: Date): Promise<void> {
    executionIdOfApproval(approvalId);
    if (askedAt.getTime() < (this.#askedAt.get(approvalId) ?? 0)) return;
    this.tokens.set(approvalId, token);
    this.#askedAt.set(approvalId, askedAt.getTime());
  }

  async get(approvalId: string): Promise<string | undefined> {
    executionIdOfApproval(approvalId);
    return this.tokens.get(approvalId);
  }

  async remove(approvalId: string): Promise<void> {
    executionIdOfApproval(approvalId);
    this.tokens.delete(approvalId);
    this.#askedAt.delete(approvalId);
  }
}
