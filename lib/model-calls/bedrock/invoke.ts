import { boundClaudeRequest, checkBetas } from '../anthropic/claude-request.ts';
import { setMember } from '../change-body.ts';
import { parseBody } from '../parse-body.ts';
import { invalidField, unknownModel, unpricedFeature } from '../refusals.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type CallRequest, type WireFormat } from '../wire-format.ts';
import { betasAt, isClaude } from './converse-request.ts';
import { InvokeMeter, InvokeStreamMeter } from './invoke-meter.ts';
import { readModelPath, writeModelPath } from './model-path.ts';
import { refuseBedrock } from './refuse.ts';
import { refuseQuery } from './refuse-query.ts';

/** Only here, beside what every surface of Claude has. */
const FIELDS = new Set(['anthropic_version', 'anthropic_beta']);

/** Claude's own request shape on Bedrock. Every other model has one of its own, and takes that of Converse as well. */
export const bedrockInvoke: WireFormat = {
  name: 'bedrock-invoke',
  provider: 'bedrock',

  serves(method, path) {
    const operation = readModelPath(path)?.operation;
    return method === 'POST' && (operation === 'invoke' || operation === 'invoke-with-response-stream');
  },

  parse(request, models) {
    const { model = '', operation } = readModelPath(request.path) ?? {};
    const price = models('bedrock', model);
    if (operation === undefined || price === undefined) throw new CallRefused(unknownModel('bedrock', model));
    if (!isClaude(model)) throw new CallRefused(unpricedFeature(`the request shape of ${model}`, 'use converse'));
    refuseQuery(request);
    checkHeaders(request);
    const body = parseBody(request.body);
    if (body.anthropic_version !== 'bedrock-2023-05-31') {
      throw new CallRefused(invalidField('anthropic_version', 'must be bedrock-2023-05-31'));
    }
    if (body.anthropic_beta !== undefined && body.anthropic_beta !== null) {
      checkBetas(betasAt(body.anthropic_beta, 'anthropic_beta'));
    }
    const claude = boundClaudeRequest(body, price, FIELDS);
    const stream = operation === 'invoke-with-response-stream';
    return {
      format: 'bedrock-invoke',
      provider: 'bedrock',
      price,
      stream,
      bound: claude.bound,
      ...(claude.boundWithOutput === undefined ? {} : { boundWithOutput: claude.boundWithOutput }),
      upstream: {
        method: 'POST',
        path: writeModelPath(model, operation),
        headers: upstreamHeaders(request),
        body:
          claude.maxTokensToSet === undefined
            ? request.body
            : setMember(request.body, ['max_tokens'], claude.maxTokensToSet),
      },
      notes: claude.notes,
      meter: () => (stream ? new InvokeStreamMeter(claude, price) : new InvokeMeter(claude, price)),
    };
  },

  refuse: refuseBedrock,
};

/** Headers that choose another price, at which they do not. */
const STANDARD: { readonly [header: string]: string } = {
  'x-amzn-bedrock-service-tier': 'default',
  'x-amzn-bedrock-performanceconfig-latency': 'standard',
};

/** What they ask for is not passed on; that it was asked for is not passed over. */
function checkHeaders({ headers }: CallRequest): void {
  for (const [name, standard] of Object.entries(STANDARD)) {
    const value = headers.get(name);
    if (value !== undefined && value !== standard)
      throw new CallRefused(unpricedFeature(`${name} ${JSON.stringify(value)}`));
  }
  if (headers.has('x-amzn-bedrock-guardrailidentifier')) throw new CallRefused(unpricedFeature('a guardrail'));
}
