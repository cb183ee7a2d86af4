import type { Json } from '../../lib/json.ts';

/** What really happened outside: one act of an agent or of a function. The records must tell the same. */
export interface Act {
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly payloadHash: string;
  readonly at: string;
  /** How the records stood when it began: which approval allowed it, and who had consumed it. */
  readonly approval?: { readonly approvalId: string; readonly status: string; readonly claimedBy: string };
  /** What it came to; absent while it goes on, and where it was cut off. */
  outcome?: { readonly ok: boolean; readonly output?: Json };
}
