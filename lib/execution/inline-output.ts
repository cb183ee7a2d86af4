import type { Json } from '../json.ts';
import { type Handle, INLINE_LIMIT_BYTES } from './records.ts';

/**
 * The output as Step Functions shows it: the value itself up to 32 KiB, above that a note of what was stored. The
 * value is in the stored execution either way.
 */
export function inlineOutput(handle: Handle, value: Json): Json {
  if (handle.bytes <= INLINE_LIMIT_BYTES) return value;
  return {
    wfloOutput: {
      sha256: handle.sha256,
      bytes: handle.bytes,
      note: 'The output is larger than 32 KiB. `wflo status <execution> --json` prints it.',
    },
  };
}
