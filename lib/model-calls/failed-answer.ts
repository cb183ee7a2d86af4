import { unknownUsage } from './metered.ts';
import type { Metered } from './wire-format.ts';

/** The request ran out of time (408, 504), or its model failed on the way (424 of Bedrock). */
const MAY_HAVE_WORKED: ReadonlySet<number> = new Set([408, 424, 504]);

/**
 * What a call costs that was answered with another status than 200, before anything was produced: nothing, since providers
 * do not charge for what they refuse or fail at, unless the model may have been at work already.
 */
export function failedAnswer(status: number): Metered {
  if (status === 0) return unknownUsage('there was no answer');
  if (status < 400 || MAY_HAVE_WORKED.has(status)) return unknownUsage(`the provider answered with status ${status}`);
  return { kind: 'not_charged' };
}
