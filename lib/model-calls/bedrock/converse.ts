import { setMember } from '../change-body.ts';
import { parseBody } from '../parse-body.ts';
import { unknownModel } from '../refusals.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type WireFormat } from '../wire-format.ts';
import { ConverseMeter, ConverseStreamMeter } from './converse-meter.ts';
import { boundConverseRequest } from './converse-request.ts';
import { readModelPath, writeModelPath } from './model-path.ts';
import { refuseBedrock } from './refuse.ts';
import { refuseQuery } from './refuse-query.ts';

/** The one request shape of Bedrock for all models: `converse` and `converse-stream`. */
export const bedrockConverse: WireFormat = {
  name: 'bedrock-converse',
  provider: 'bedrock',

  serves(method, path) {
    const operation = readModelPath(path)?.operation;
    return method === 'POST' && (operation === 'converse' || operation === 'converse-stream');
  },

  parse(request, models) {
    const { model = '', operation } = readModelPath(request.path) ?? {};
    const price = models('bedrock', model);
    // Also of an ARN: an inference profile, a stored prompt or a router of an account is whatever the account makes it.
    if (operation === undefined || price === undefined) throw new CallRefused(unknownModel('bedrock', model));
    refuseQuery(request);
    const stream = operation === 'converse-stream';
    const converse = boundConverseRequest(parseBody(request.body), price);
    return {
      format: 'bedrock-converse',
      provider: 'bedrock',
      price,
      stream,
      bound: converse.bound,
      ...(converse.boundWithOutput === undefined ? {} : { boundWithOutput: converse.boundWithOutput }),
      upstream: {
        method: 'POST',
        path: writeModelPath(model, operation),
        headers: upstreamHeaders(request),
        body:
          converse.maxTokensToSet === undefined
            ? request.body
            : setMember(request.body, ['inferenceConfig', 'maxTokens'], converse.maxTokensToSet),
      },
      notes: converse.notes,
      meter: () => (stream ? new ConverseStreamMeter(converse, price) : new ConverseMeter(converse, price)),
    };
  },

  refuse: refuseBedrock,
};
