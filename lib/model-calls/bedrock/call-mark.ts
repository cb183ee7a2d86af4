import type { Json } from '../../json.ts';
import { setMember } from '../change-body.ts';
import { invalidField } from '../refusals.ts';
import { objectOf } from '../request-fields.ts';
import { CallRefused, type ModelCall } from '../wire-format.ts';

type Upstream = ModelCall['upstream'];

/**
 * The name under which a call carries the id of its hold in its request metadata. Bedrock writes these into its log of
 * model invocations, and does nothing else with them.
 */
export const CALL_MARK = 'wflo-call';

/** Bedrock takes so many; one is ours. */
const MOST_METADATA = 16;

/** Checks `requestMetadata` of Converse, to which the mark is added. Throws `CallRefused`. */
export function checkRequestMetadata(value: Json | undefined): void {
  if (value === undefined || value === null) return;
  const metadata = objectOf(value, 'requestMetadata');
  if (CALL_MARK in metadata) {
    throw new CallRefused(invalidField(`requestMetadata.${CALL_MARK}`, 'is set by the gateway'));
  }
  if (Object.keys(metadata).length >= MOST_METADATA) {
    throw new CallRefused(invalidField('requestMetadata', `must have ${MOST_METADATA - 1} members at most`));
  }
}

/** Converse has its metadata in the body. */
export function markConverse(upstream: Upstream, holdId: string): Upstream {
  return { ...upstream, body: setMember(upstream.body, ['requestMetadata', CALL_MARK], holdId) };
}

/** The body of `invoke` is the model's own, so its metadata is a header. That of the caller is not passed on. */
export function markInvoke(upstream: Upstream, holdId: string): Upstream {
  const metadata = JSON.stringify({ [CALL_MARK]: holdId });
  return { ...upstream, headers: { ...upstream.headers, 'x-amzn-bedrock-request-metadata': metadata } };
}
