import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  type LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import type { Chance } from '../chaos/random.ts';

/** The SDK reads the endpoint of one service from `AWS_ENDPOINT_URL_<service>`. */
const SERVICES = ['DYNAMODB', 'S3', 'EVENTBRIDGE', 'ECS', 'SFN', 'LAMBDA'];

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Fault =
  | { readonly name: string; readonly answer: Answer }
  | { readonly name: 'slow' | 'answer lost' | 'sent twice' | 'events taken in part' };

/**
 * Between the functions and AWS: passes every call on, but some go wrong, as AWS says that they can. Functions are sent
 * here by their own configuration, so what is tried is their bundles with the SDK's own repeats in real processes.
 */
export class ApiFaults {
  readonly counts: { [fault: string]: number } = {};
  /** Events that the bus has taken, by their id, with the places in the chain that they were said to have. */
  readonly taken = new Map<string, Set<number>>();
  readonly #endpoint: string;
  readonly #chance: Chance;
  readonly #share: number;
  readonly #bus: EventBridgeClient;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((call, reply) => {
    this.#serve(call, reply).catch(() => reply.destroy());
  });
  #on = true;

  constructor(options: {
    readonly endpoint: string;
    readonly chance: Chance;
    /** Of how many calls one goes wrong. */
    readonly share: number;
    readonly bus: EventBridgeClient;
  }) {
    this.#endpoint = options.endpoint;
    this.#chance = options.chance;
    this.#share = options.share;
    this.#bus = options.bus;
  }

  async listen(): Promise<void> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
  }

  /** From now on every call is passed on as it is. */
  end(): void {
    this.#on = false;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
    this.#agent.destroy();
  }

  /** Sends the calls of a function here. Answers how to undo it. */
  async standBefore(lambda: LambdaClient, FunctionName: string): Promise<() => Promise<void>> {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const before = Environment?.Variables ?? {};
    const { port } = this.#server.address() as AddressInfo;
    // By address: a bucket stays part of the path then, as it does without us.
    const here = SERVICES.map((service) => [`AWS_ENDPOINT_URL_${service}`, `http://127.0.0.1:${port}`]);
    const set = async (Variables: Record<string, string>) => {
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
    };
    await set({ ...before, ...Object.fromEntries(here) });
    return () => set(before);
  }

  async #serve(call: IncomingMessage, reply: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of call) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const operation = operationOf(call);
    const fault = this.#on && this.#chance.happens(this.#share) ? this.#pick(operation) : undefined;
    if (fault !== undefined) {
      const name = `${operation}: ${fault.name}`;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
    }
    if (fault !== undefined && 'answer' in fault) return send(reply, fault.answer);
    if (fault?.name === 'events taken in part') return send(reply, await this.#takeInPart(body));
    if (fault?.name === 'slow') await new Promise((later) => setTimeout(later, this.#chance.between(500, 4000)));
    if (fault?.name === 'sent twice') await this.#pass(call, body);
    const answer = await this.#pass(call, body);
    if (operation === 'PutEvents' && answer.status === 200) this.#took(entriesOf(body));
    if (fault?.name === 'answer lost') {
      reply.destroy();
      return;
    }
    send(reply, answer);
  }

  #pick(operation: string): Fault {
    return this.#chance.oneOf<Fault>([
      { name: 'slow' },
      { name: 'answer lost' },
      // Of a call that acts by itself the network makes no second one.
      ...(operation === 'Invoke' ? [] : [{ name: 'sent twice' } as const]),
      ...(operation === 'PutEvents' ? [{ name: 'events taken in part' } as const] : []),
      ...refusalsOf(operation),
    ]);
  }

  /** The last entry of a request is not taken; all of it where it has one alone. */
  async #takeInPart(body: Buffer): Promise<Answer> {
    const taken = entriesOf(body).slice(0, -1);
    const Entries = taken.map((entry) => ({ ...entry, Time: new Date(entry.Time * 1000) }));
    const passed = taken.length === 0 ? [] : (await this.#bus.send(new PutEventsCommand({ Entries }))).Entries;
    this.#took(taken);
    const refused = { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' };
    return json(200, { FailedEntryCount: 1, Entries: [...(passed ?? []), refused] });
  }

  #took(entries: readonly BusEntry[]): void {
    for (const { Detail = '{}' } of entries) {
      const { eventId, seq } = JSON.parse(Detail) as { readonly eventId: string; readonly seq: number };
      this.taken.set(eventId, (this.taken.get(eventId) ?? new Set()).add(seq));
    }
  }

  #pass(call: IncomingMessage, body: Buffer): Promise<Answer> {
    const { hostname, port } = new URL(this.#endpoint);
    // With its own headers, of which the signature speaks.
    const { method, url: path, headers } = call;
    const options = { agent: this.#agent, hostname, servername: hostname, port, method, path, headers };
    return new Promise((resolve, reject) => {
      const passed = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      passed.once('error', reject);
      passed.end(body);
    });
  }
}

type BusEntry = Omit<PutEventsRequestEntry, 'Time'> & { readonly Time: number };

function entriesOf(body: Buffer): readonly BusEntry[] {
  return (JSON.parse(body.toString()) as { readonly Entries: readonly BusEntry[] }).Entries;
}

/** `TransactWriteItems`, `PutEvents`; of S3 `PUT object`; of Lambda `Invoke`. */
function operationOf({ headers, method, url = '' }: IncomingMessage): string {
  const target = headers['x-amz-target'];
  if (target !== undefined) return String(target).replace(/^.*\./, '');
  return /^\/2015-03-31\/functions\/[^/]+\/invocations/.test(url) ? 'Invoke' : `${method} object`;
}

const DYNAMODB = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'];

/** What AWS answers without having done anything. */
function refusalsOf(operation: string): Fault[] {
  const named = (status: number, name: string, more: object = {}): Fault => ({
    name,
    answer: json(status, { __type: name, message: name, ...more }),
  });
  if (operation.endsWith(' object')) return [s3Error(500, 'InternalError'), s3Error(503, 'SlowDown')];
  if (operation === 'Invoke') return [named(429, 'TooManyRequestsException', { Type: 'User' })];
  if (!DYNAMODB.includes(operation)) return [named(400, 'ThrottlingException'), named(500, 'InternalFailure')];
  const any = [named(400, 'ProvisionedThroughputExceededException'), named(500, 'InternalServerError')];
  if (operation !== 'TransactWriteItems') return any;
  const conflict = { CancellationReasons: [{ Code: 'TransactionConflict', Message: 'in conflict' }, { Code: 'None' }] };
  return [
    ...any,
    named(400, 'TransactionCanceledException', conflict),
    named(400, 'TransactionCanceledException', conflict),
    named(400, 'TransactionInProgressException'),
  ];
}

function json(status: number, value: object): Answer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function s3Error(status: number, code: string): Fault {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
  return { name: code, answer: { status, headers: { 'content-type': 'application/xml' }, body } };
}

function send(reply: ServerResponse, { status, headers, body }: Answer): void {
  // Its length is told anew.
  const { 'transfer-encoding': _transfer, connection: _connection, 'content-length': _length, ...rest } = headers;
  reply.writeHead(status, { ...rest, 'content-length': headers['content-length'] ?? body.length });
  reply.end(body);
}
