import { isModelAllowed } from '../../lib/model-calls/allowed-models.ts';
import type { WireFormat } from '../../lib/model-calls/wire-format.ts';
import type { Gateway, IncomingCall } from './call-model.ts';
import { type Answer, jsonAnswer, nativeAnswer } from './native-answer.ts';
import { refusal } from './refusals.ts';

/**
 * `GET /v1/models` and `/v1/models/<id>` of OpenAI, from the price book: the models that the step may call. Undefined
 * for any other path.
 */
export async function modelsAnswer(
  { ports, leases }: Gateway,
  native: WireFormat,
  { path, headers }: Pick<IncomingCall, 'path' | 'headers'>,
): Promise<Answer | undefined> {
  const [, id] = /^\/v1\/models(?:\/(.+))?$/.exec(path) ?? [];
  if (id === undefined && path !== '/v1/models') return undefined;
  const decision = await leases.decide(headers.get('authorization'), headers.get('x-wflo-epoch'));
  if (decision.kind === 'refused') return nativeAnswer(native, refusal(decision.code, decision.message));
  const { models } = decision.caller.access;
  const allowed = ports.prices.models.filter(
    ({ provider, model }) => provider === 'openai' && isModelAllowed(models, model),
  );
  if (id === undefined) return jsonAnswer(200, { object: 'list', data: allowed.map(({ model }) => described(model)) });
  const found = allowed.find(({ model }) => model === id);
  if (found !== undefined) return jsonAnswer(200, described(found.model));
  return nativeAnswer(native, refusal('unknown_model', `the step may call no model ${id}`));
}

/** A price book has no dates of models. */
function described(id: string): object {
  return { id, object: 'model', created: 0, owned_by: 'openai' };
}
