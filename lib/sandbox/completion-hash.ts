import { canonicalJson, sha256 } from '../json.ts';
import type { CompleteRequest } from './protocol.ts';

/** A completion without its log lines: what is recorded, signed and hashed. */
export type Completion = Omit<CompleteRequest, 'logs'>;

/** Identifies a completion, so that a repeat of it is accepted and another one is not. Log lines do not count. */
export function completionHash(completion: Completion): string {
  const { epoch, exit, output, usage } = completion;
  const [outputError, workspace, workspaceError] = [
    completion.outputError ?? null,
    completion.workspace ?? null,
    completion.workspaceError ?? null,
  ];
  return sha256(canonicalJson({ epoch, exit, output, outputError, workspace, workspaceError, usage }));
}
