import type { ModelLookup } from '../../lib/budget/price-book.ts';
import { isModelAllowed } from '../../lib/model-calls/allowed-models.ts';
import { bodyTooLarge, modelNotAllowed } from '../../lib/model-calls/refusals.ts';
import { type CallRefusal, CallRefused, type ModelCall, type WireFormat } from '../../lib/model-calls/wire-format.ts';
import type { Closing } from './close-hold.ts';
import type { FirstWord } from './delivery.ts';
import type { AnnounceExceeded } from './exceeded.ts';
import type { InFlight } from './in-flight.ts';
import type { Caller, Leases } from './lease.ts';
import { REQUEST_LIMIT_BYTES } from './limits.ts';
import { type Answer, nativeAnswer } from './native-answer.ts';
import { passOn } from './pass-on.ts';
import type { CallLine, GatewayPorts } from './ports.ts';
import type { BodyReader } from './read-body.ts';
import { refusal, refusalOfError } from './refusals.ts';
import { type Reservation, reserveCall } from './reserve-call.ts';

/** A request of an agent, for the API of one provider. */
export interface IncomingCall {
  readonly format: WireFormat;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Once, and not before the caller is known. */
  readonly readBody: BodyReader;
  /** Ends when the client goes away. */
  readonly gone: AbortSignal;
  readonly startedAt: number;
}

/** One gateway in one process. */
export interface Gateway {
  readonly ports: GatewayPorts;
  readonly leases: Leases;
  readonly inFlight: InFlight;
  readonly models: ModelLookup;
  readonly announceExceeded: AnnounceExceeded;
}

/** What is known of a call so far, for its line in the log. */
interface Known {
  caller?: Caller;
  call?: ModelCall;
  reservation?: Reservation;
}

/** Reserve, then call, then settle: see `docs/guides/models.md`. Never throws. */
export async function callModel(gateway: Gateway, incoming: IncomingCall): Promise<Answer> {
  const known: Known = {};
  try {
    const admitted = await admit(gateway, incoming, known);
    if (admitted.kind === 'refused') return refuse(gateway, incoming, known, admitted.refusal);
    const answer = answerOf(gateway, incoming, known, admitted);
    gateway.inFlight.follow(answer);
    return await answer;
  } catch (error) {
    const refused = error instanceof CallRefused ? error.refusal : refusalOfError(error);
    if (refused.code === 'internal') gateway.ports.signals.failed('a model call failed', error, idsOf(known));
    return refuse(gateway, incoming, known, refused);
  }
}

interface Admitted {
  readonly kind: 'admitted';
  readonly caller: Caller;
  readonly body: Uint8Array;
}

/** The token first: who has none makes the gateway read nothing. */
async function admit(
  { leases, inFlight }: Gateway,
  { headers, readBody }: IncomingCall,
  known: Known,
): Promise<Admitted | { readonly kind: 'refused'; readonly refusal: CallRefusal }> {
  const decision = await leases.decide(headers.get('authorization'), headers.get('x-wflo-epoch'));
  if (decision.kind === 'refused') return refusing(refusal(decision.code, decision.message, fixOf(decision)));
  const { caller } = decision;
  known.caller = caller;
  const body = await readBody(REQUEST_LIMIT_BYTES);
  if (body === 'too_large') return refusing(bodyTooLarge(REQUEST_LIMIT_BYTES));
  if (body === 'cut_off') return refusing(refusal('invalid_request', 'the body of the call broke off'));
  if (inFlight.stopping) {
    return refusing(refusal('provider_failed', 'the gateway is stopping', { status: 503, retryAfterSeconds: 1 }));
  }
  return { kind: 'admitted', caller, body };
}

function refusing(refused: CallRefusal): { readonly kind: 'refused'; readonly refusal: CallRefusal } {
  return { kind: 'refused', refusal: refused };
}

async function answerOf(
  gateway: Gateway,
  incoming: IncomingCall,
  known: Known,
  { caller, body }: Admitted,
): Promise<Answer> {
  const { ports, leases, inFlight, models } = gateway;
  const { format, method, path, query, headers, gone, startedAt } = incoming;
  const call = format.parse({ method, path, query, headers, body }, models);
  known.call = call;
  const { model } = call.price;
  if (!isModelAllowed(caller.access.models, model)) {
    return refuse(gateway, incoming, known, modelNotAllowed(model));
  }
  const access = await ports.keys.get(call.provider);
  const reserved = await reserveCall(gateway, caller, call, gone);
  if (reserved.kind === 'refused') {
    if (reserved.fenced) leases.forget(headers.get('authorization'));
    return refuse(gateway, incoming, known, reserved.refusal, reserved.stop ? STOP : {});
  }
  const { reservation } = reserved;
  known.reservation = reservation;

  let say: (word: FirstWord) => void = () => {};
  const word = new Promise<FirstWord>((resolve) => {
    say = resolve;
  });
  const passed = passOn(gateway, { caller, call, access, reservation, gone, startedAt }, say);
  inFlight.follow(passed);
  const first = await word;
  const answer =
    first.kind === 'answer'
      ? answered(first, call, reservation)
      : nativeAnswer(format, first.refusal, callHeader(reservation));
  void passed.then(({ closing, clientGone }) => {
    const outcome = first.kind === 'answer' ? outcomeOf(closing) : first.refusal.code;
    const cost = closing.kind === 'settle' ? { costNanoUsd: closing.cost } : {};
    ports.signals.called({ ...lineOf(gateway, incoming, known, answer.status, outcome), ...cost, clientGone });
  });
  return answer;
}

/** The runner ends the agent: its execution is over. */
const STOP = { 'x-wflo-stop': 'budget_exceeded' };

function answered(
  { status, headers, body }: FirstWord & { kind: 'answer' },
  call: ModelCall,
  reservation: Reservation,
): Answer {
  return { status, headers: { ...headers, ...call.notes, ...callHeader(reservation) }, body };
}

function refuse(
  gateway: Gateway,
  incoming: IncomingCall,
  known: Known,
  refused: CallRefusal,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const answer = nativeAnswer(incoming.format, refused, headers);
  gateway.ports.signals.count('CallRefused');
  gateway.ports.signals.called({
    ...lineOf(gateway, incoming, known, answer.status, refused.code),
    clientGone: incoming.gone.aborted,
  });
  return answer;
}

function callHeader(reservation: Reservation | undefined): Readonly<Record<string, string>> {
  return reservation?.holdId === undefined ? {} : { 'x-wflo-call': reservation.holdId };
}

function fixOf({ fix }: { readonly fix?: string }): { readonly fix?: string } {
  return fix === undefined ? {} : { fix };
}

function outcomeOf(closing: Closing): string {
  if (closing.kind === 'settle') return `settled_${closing.source}`;
  return closing.kind === 'release' ? 'released' : 'unsettled';
}

function idsOf({ caller, reservation }: Known): object {
  const callId = reservation?.holdId === undefined ? {} : { callId: reservation.holdId };
  return { ...(caller === undefined ? {} : caller.address), ...callId };
}

function lineOf(
  { ports }: Gateway,
  { format, startedAt }: IncomingCall,
  { caller, call, reservation }: Known,
  status: number,
  outcome: string,
): Omit<CallLine, 'clientGone'> {
  return {
    ...(caller === undefined
      ? {}
      : {
          executionId: caller.address.executionId,
          stepPath: caller.address.path,
          attempt: caller.address.attempt,
          agent: caller.access.agent,
        }),
    ...(reservation?.holdId === undefined ? {} : { callId: reservation.holdId, heldNanoUsd: reservation.amount }),
    provider: format.provider,
    format: format.name,
    ...(call === undefined ? {} : { model: call.price.model, stream: call.stream }),
    status,
    outcome,
    durationMs: ports.clock.now().getTime() - startedAt,
  };
}
