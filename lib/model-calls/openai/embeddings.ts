import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { AnswerMeter, type AnswerReader } from '../answer-meter.ts';
import { textBytes } from '../bound-text.ts';
import { asObject, asText } from '../json-value.ts';
import { reportedAs, unknownUsage } from '../metered.ts';
import { parseBody } from '../parse-body.ts';
import { invalidField } from '../refusals.ts';
import { listOf } from '../request-fields.ts';
import { servedAsPriced } from '../served-model.ts';
import { tokenCount } from '../token-count.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type Metered, type WireFormat } from '../wire-format.ts';
import { rawOf } from './chat-answer.ts';
import { openaiPrice, refuseExtras } from './common-fields.ts';
import { refuseOpenai } from './refuse.ts';

const PATH = '/v1/embeddings';
const FIELDS = new Set(['input', 'model', 'dimensions', 'encoding_format', 'user']);
/** Tokens that begin or end a text. */
const TEXT_TOKENS = 8;
/** The API takes as many. */
const MOST_TEXTS = 2048;

/** `POST /v1/embeddings` of OpenAI. Shapes: npm `openai` 7.57.0, `resources/embeddings`. */
export const openaiEmbeddings: WireFormat = {
  name: 'openai-embeddings',
  provider: 'openai',
  serves: (method, path) => method === 'POST' && path === PATH,
  parse(call, models) {
    refuseExtras(call);
    const body = parseBody(call.body);
    const price = openaiPrice(body, models);
    const bound = boundEmbeddings(body);
    return {
      format: 'openai-embeddings',
      provider: 'openai',
      price,
      stream: false,
      bound,
      upstream: {
        method: 'POST',
        path: PATH,
        headers: upstreamHeaders(call),
        body: new TextEncoder().encode(JSON.stringify(body)),
      },
      notes: {},
      meter: () => new AnswerMeter(new EmbeddingsAnswer(price, models)),
    };
  },
  refuse: refuseOpenai,
};

/** The window is that of one text, so it bounds no request. */
function boundEmbeddings(body: JsonObject): UsageBound {
  allowFields(body, FIELDS, '');
  return {
    inputTokens: inputTokens(body.input),
    inputClasses: ['input'],
    outputTokens: 0,
    outputClasses: [],
  };
}

/** A text, a list of texts, the tokens of a text, or a list of these. */
function inputTokens(input: Json | undefined): number {
  if (typeof input === 'string') return textBytes(input) + TEXT_TOKENS;
  const list = listOf(input, 'input');
  if (list.length === 0) throw new CallRefused(invalidField('input', 'must not be empty'));
  if (list.every(isToken)) return list.length + TEXT_TOKENS;
  if (list.length > MOST_TEXTS) throw new CallRefused(invalidField('input', `must have at most ${MOST_TEXTS} texts`));
  return list.reduce<number>((tokens, text, index) => {
    if (typeof text === 'string') return tokens + textBytes(text) + TEXT_TOKENS;
    const path = `input[${index}]`;
    const ids = listOf(text, path);
    if (!ids.every(isToken)) throw new CallRefused(invalidField(path, 'must be a text or a list of tokens'));
    return tokens + ids.length + TEXT_TOKENS;
  }, 0);
}

function isToken(value: Json): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

class EmbeddingsAnswer implements AnswerReader {
  readonly mayDrop = false;
  readonly #price: ModelPrice;
  readonly #models: ModelLookup;
  #answer: JsonObject | undefined;

  constructor(price: ModelPrice, models: ModelLookup) {
    this.#price = price;
    this.#models = models;
  }

  event(): undefined {}

  json(body: Json | undefined): void {
    this.#answer = asObject(body);
  }

  result(whole: boolean): Metered {
    if (!whole) return unknownUsage('the answer broke off');
    const usage = asObject(this.#answer?.usage);
    const model = asText(this.#answer?.model);
    if (usage === undefined) return unknownUsage('the answer has no usage');
    if (model !== undefined && !servedAsPriced(this.#price, model, this.#models)) {
      return unknownUsage(`it was served by ${model.slice(0, 200)}, which is not what was priced`);
    }
    const input = tokenCount(usage.prompt_tokens);
    if (input === undefined || input === 0 || tokenCount(usage.total_tokens) !== input) {
      return unknownUsage('the usage is wrong: its counts are missing or do not add up');
    }
    return reportedAs({ tokens: { input } }, rawOf(usage, model, undefined), this.#price);
  }
}
