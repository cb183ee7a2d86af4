import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { AnswerBody } from '../answer-body.ts';
import { ClaudeEvents } from '../anthropic/claude-events.ts';
import type { ClaudeRequest } from '../anthropic/claude-request.ts';
import { isUntrusted, type ReadUsage, readAs, readClaudeUsage } from '../anthropic/claude-usage.ts';
import { failedAnswer } from '../failed-answer.ts';
import { unknownUsage } from '../metered.ts';
import { tokenCount } from '../token-count.ts';
import type { Metered, UsageMeter } from '../wire-format.ts';
import { NOT_BEGUN, readJson } from './converse-meter.ts';
import { type EventStreamMessage, EventStreamReader } from './event-stream.ts';

const NOTHING = new Uint8Array();

const SERVED_TIER = 'x-amzn-bedrock-service-tier';
const SERVED_LATENCY = 'x-amzn-bedrock-performanceconfig-latency';

/** Why the headers of an answer say that it has another price. */
function servedOtherwise(headers: ReadonlyMap<string, string>): string | undefined {
  const tier = headers.get(SERVED_TIER) ?? 'default';
  const latency = headers.get(SERVED_LATENCY) ?? 'standard';
  if (tier !== 'default') return `the service tier is ${JSON.stringify(tier)}, which has no price here`;
  return latency === 'standard' ? undefined : `the latency is ${JSON.stringify(latency)}, which has no price here`;
}

/** Reads the answer of Claude to `invoke`: its own JSON, whose counts Bedrock repeats in headers. */
export class InvokeMeter implements UsageMeter {
  readonly #request: ClaudeRequest;
  readonly #price: ModelPrice;
  readonly #body = new AnswerBody();
  #headers: ReadonlyMap<string, string> = new Map();
  #status = 0;
  #whole = false;

  constructor(request: ClaudeRequest, price: ModelPrice) {
    this.#request = request;
    this.#price = price;
  }

  begin(status: number, headers: ReadonlyMap<string, string>): void {
    this.#status = status;
    this.#headers = new Map(headers);
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#body.push(chunk);
    return chunk;
  }

  end(whole: boolean): Uint8Array {
    this.#whole = whole;
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return failedAnswer(this.#status);
    if (!this.#whole) return unknownUsage('the answer was cut off');
    const body = this.#body.parse();
    if (!isJsonObject(body)) return unknownUsage('the answer is no JSON');
    const otherwise = servedOtherwise(this.#headers);
    if (otherwise !== undefined) return unknownUsage(otherwise);
    const read = readClaudeUsage(body.usage, this.#request.asked);
    const counts = {
      input: countOf(this.#headers.get('x-amzn-bedrock-input-token-count')),
      output: countOf(this.#headers.get('x-amzn-bedrock-output-token-count')),
    };
    if (contradicts(read, counts)) return unknownUsage('the headers count other tokens than the body');
    return readAs(read, body.usage, this.#price);
  }
}

/** A header that is not there says nothing; one that is no number contradicts every count. */
function countOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  return /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
}

interface BedrockCounts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}

/** Bedrock counts the input without the cache; that it may once count it with is not held against it. */
function contradicts(read: ReadUsage, counts: BedrockCounts): boolean {
  if (isUntrusted(read)) return false;
  const { input = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, output = 0 } = read.tokens;
  const cacheWrite = cacheWrite5m + cacheWrite1h;
  return (
    (counts.input !== undefined && counts.input !== input && counts.input !== input + cacheRead + cacheWrite) ||
    (counts.output !== undefined && counts.output !== output) ||
    (counts.cacheRead !== undefined && counts.cacheRead !== cacheRead) ||
    (counts.cacheWrite !== undefined && counts.cacheWrite !== cacheWrite)
  );
}

/**
 * Reads the answer of Claude to `invoke-with-response-stream`: its events in base64 inside the chunks of an event stream.
 * The last has Bedrock's own counts beside it, `amazon-bedrock-invocationMetrics`, which must say the same.
 */
export class InvokeStreamMeter implements UsageMeter {
  readonly #request: ClaudeRequest;
  readonly #events: ClaudeEvents;
  readonly #reader = new EventStreamReader((message) => this.#take(message));
  #status = 0;
  #otherwise: string | undefined;
  #chunks = 0;
  #metrics: BedrockCounts | undefined;
  #exception: string | undefined;

  constructor(request: ClaudeRequest, price: ModelPrice) {
    this.#request = request;
    this.#events = new ClaudeEvents(request, price);
  }

  begin(status: number, headers: ReadonlyMap<string, string>): void {
    this.#status = status;
    this.#otherwise = servedOtherwise(headers);
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#status === 200) this.#reader.push(chunk);
    return chunk;
  }

  end(_whole: boolean): Uint8Array {
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return failedAnswer(this.#status);
    if (this.#reader.broken) return unknownUsage('a checksum of the event stream is wrong');
    if (this.#otherwise !== undefined) return unknownUsage(this.#otherwise);
    if (this.#exception !== undefined) {
      if (this.#chunks === 0 && NOT_BEGUN.has(this.#exception)) return { kind: 'not_charged' };
      // As an error among the model's own events, with what was seen as the most.
      this.#events.take({ type: 'error', error: { type: this.#exception } }, 0);
    }
    const result = this.#events.result();
    if (result.kind !== 'reported' || this.#metrics === undefined) return result;
    const read = readClaudeUsage(this.#events.usage, this.#request.asked);
    return contradicts(read, this.#metrics)
      ? unknownUsage('invocationMetrics counts other tokens than the answer')
      : result;
  }

  #take({ kind, type, body }: EventStreamMessage): void {
    if (kind !== 'event') {
      this.#exception ??= type;
      return;
    }
    if (type !== 'chunk') return;
    this.#chunks++;
    const chunk = readJson(body);
    const bytes = typeof chunk?.bytes === 'string' ? Buffer.from(chunk.bytes, 'base64') : undefined;
    const event = bytes === undefined ? undefined : readJson(bytes);
    this.#events.take(event, bytes?.length ?? 0);
    if (isJsonObject(event?.[METRICS])) this.#metrics = metricsOf(event[METRICS]);
  }
}

const METRICS = 'amazon-bedrock-invocationMetrics';

function metricsOf(metrics: JsonObject): BedrockCounts {
  const count = (name: string) => (metrics[name] === undefined ? undefined : (tokenCount(metrics[name]) ?? Number.NaN));
  return {
    input: count('inputTokenCount'),
    output: count('outputTokenCount'),
    cacheRead: count('cacheReadInputTokenCount'),
    cacheWrite: count('cacheWriteInputTokenCount'),
  };
}
