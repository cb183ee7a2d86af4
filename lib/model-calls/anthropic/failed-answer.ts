import type { Metered } from '../wire-format.ts';
import { unknownUse } from './metered.ts';

/** A request that ran out of time (408, 504), or whose model failed on the way (424 of Bedrock), may have used tokens. */
const MAY_HAVE_WORKED = new Set([408, 424, 504]);

/**
 * What a call costs that was answered with an error status, before anything was produced. A refusal (4xx) and a failure
 * that the provider itself reports are not charged. A 5xx without the provider's envelope is of something in between, and
 * behind it the call may have gone on. `own`: the body or the headers are the provider's own error.
 */
export function failedAnswer(status: number, own: boolean): Metered {
  if (status < 400 || MAY_HAVE_WORKED.has(status) || (status >= 500 && !own)) {
    return unknownUse(`the provider answered ${status}, and may have worked on the call`);
  }
  return { kind: 'not_charged' };
}
