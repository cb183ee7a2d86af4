import { canonicalJson, sha256 } from '../json.ts';
import type { CompleteRequest } from './protocol.ts';

/** Identifies a completion, so that a repeat of it is accepted and another one is not. Log lines do not count. */
export function completionHash(request: CompleteRequest): string {
  const { epoch, exit, output, outputError, usage } = request;
  return sha256(canonicalJson({ epoch, exit, output, outputError: outputError ?? null, usage }));
}
