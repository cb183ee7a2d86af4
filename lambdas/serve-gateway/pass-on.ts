import type { ProviderAccess } from '../../lib/model-calls/provider-access.ts';
import type { CallRefusal, ModelCall, UsageMeter } from '../../lib/model-calls/wire-format.ts';
import { ClientStream } from './client-stream.ts';
import { type Closing, closeHold, closingOf, type TransportEnd } from './close-hold.ts';
import { Delivery, type FirstWord } from './delivery.ts';
import type { InFlight } from './in-flight.ts';
import type { Caller, Leases } from './lease.ts';
import { CALL_SECONDS, HOLD_SECONDS, RENEW_SECONDS, SETTLE_FIRST_MS, SILENT_SECONDS } from './limits.ts';
import type { GatewayPorts } from './ports.ts';
import { refusal } from './refusals.ts';
import type { Reservation } from './reserve-call.ts';
import { Silence } from './silence.ts';
import { sleep } from './sleep.ts';
import { type UpstreamAnswer, UpstreamFailed, type UpstreamRequest } from './upstream.ts';

/** What became of a call, for its log line. */
export interface PassedOn {
  readonly closing: Closing;
  readonly clientGone: boolean;
}

export interface PassOn {
  readonly caller: Caller;
  readonly call: ModelCall;
  readonly access: ProviderAccess;
  readonly reservation: Reservation;
  /** Ends when the client goes away. */
  readonly gone: AbortSignal;
  /** Milliseconds since the epoch: when the request came. */
  readonly startedAt: number;
}

interface Context {
  readonly ports: GatewayPorts;
  readonly inFlight: InFlight;
  readonly leases: Leases;
}

const EMPTY = new Uint8Array();

/**
 * Calls the provider and hands on what it says, byte by byte, then closes the hold. A client that goes away does not end
 * the call: it is read to its end, so that its exact cost is known. Never throws.
 */
export async function passOn(
  { ports, inFlight, leases }: Context,
  { caller, call, access, reservation, gone, startedAt }: PassOn,
  say: (word: FirstWord) => void,
): Promise<PassedOn> {
  const abort = new AbortController();
  let detached = false;
  const detach = () => {
    if (detached) return;
    detached = true;
    if (!inFlight.detach()) abort.abort('too many calls are read on whose client has gone');
  };
  const client = new ClientStream(() => {
    ports.signals.count('ClientGone');
    detach();
  });
  const leave = () => client.leave();
  gone.addEventListener('abort', leave, { once: true });
  if (gone.aborted) leave();
  inFlight.begin(abort);

  const delivery = new Delivery(ports.clock, client, say, detach);
  const renewal = keepAlive(ports, leases, caller, reservation, abort);
  const deadline = setTimeout(
    () => abort.abort('the call took longer than a function runs'),
    startedAt + CALL_SECONDS * 1000 - ports.clock.now().getTime(),
  );
  const silence = new Silence(ports.clock, SILENT_SECONDS, () =>
    abort.abort(`the provider sent nothing for ${SILENT_SECONDS / 60} minutes`),
  );

  let meter: UsageMeter | undefined;
  let wanted = true;
  let transport: Transport = { end: { kind: 'whole' }, begun: false, rest: EMPTY };
  try {
    meter = call.meter();
    // It came to nothing while it was prepared. From here on it is read to its end.
    if (gone.aborted) throw new NotWanted('the client went away before the call was sent');
    if (abort.signal.aborted) throw new NotWanted(String(abort.signal.reason));
    const { holdId } = reservation;
    const upstream = (holdId === undefined ? undefined : call.marked?.(holdId)) ?? call.upstream;
    const answer = await sendWithKey(ports, upstream, call, access, abort.signal);
    silence.heard();
    meter.begin(answer.status, answer.headers);
    transport = { ...transport, begun: true };
    delivery.begin(answer);
    transport = { ...transport, ...(await copy(answer, meter, delivery, silence)) };
  } catch (error) {
    if (error instanceof KeyRefused) delivery.refuse(error.refusal);
    wanted = !(error instanceof NotWanted);
    transport = { ...transport, end: endOf(error, abort.signal) };
  }
  silence.stop();
  clearTimeout(deadline);
  clearInterval(renewal);

  const { closing, last } = finish(transport, meter, call, reservation);
  if (wanted && transport.end.kind !== 'whole') ports.signals.count('ProviderFailed');
  const { holdId, payer } = reservation;
  if (holdId !== undefined) {
    const closed = closeHold(ports, { executionId: payer.executionId, holdId }, closing);
    inFlight.follow(closed);
    // Before the last bytes: an agent that calls again at once finds what this call left.
    await Promise.race([closed, sleep(SETTLE_FIRST_MS)]);
  }
  delivery.end(transport.end, [transport.rest, last]);
  gone.removeEventListener('abort', leave);
  inFlight.end(abort, detached);
  return { closing, clientGone: client.gone };
}

interface Transport {
  readonly end: TransportEnd;
  /** The provider has answered. */
  readonly begun: boolean;
  /** Bytes that came with the end. */
  readonly rest: Uint8Array;
}

/** What the meter says at the end, and the bytes that it kept back. A meter that fails knows nothing. */
function finish(
  { end, begun }: Transport,
  meter: UsageMeter | undefined,
  { price }: ModelCall,
  { amount }: Reservation,
): { readonly closing: Closing; readonly last: Uint8Array } {
  if (!begun || meter === undefined) return { closing: closingOf(end, undefined, { price, amount }), last: EMPTY };
  try {
    const last = meter.end(end.kind === 'whole');
    return { closing: closingOf(end, meter.result(), { price, amount }), last };
  } catch (error) {
    return { closing: { kind: 'unsettle', reason: `the answer could not be read: ${messageOf(error)}` }, last: EMPTY };
  }
}

/** Nobody waits for the call any more, and it has not left. */
class NotWanted extends UpstreamFailed {
  constructor(why: string) {
    super(false, why);
  }
}

/** The provider did not take the call for a reason that is not the agent's. It charges nothing for that. */
class KeyRefused extends UpstreamFailed {
  readonly refusal: CallRefusal;

  constructor(refused: CallRefusal) {
    super(false, refused.message);
    this.refusal = refused;
  }
}

/** Sends the call; once more where it could not be sent, or the key was refused, and the secret says something else now. */
async function sendWithKey(
  ports: GatewayPorts,
  upstream: ModelCall['upstream'],
  call: ModelCall,
  access: ProviderAccess,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  let answer = await firstAnswer(ports, upstream, call, access, signal);
  if (answer.status === 401) {
    await discard(answer);
    const renewed = await renewedKey(ports, call, access);
    if (renewed === undefined) throw keyRefused(call);
    answer = await ports.upstream.send(await requestOf(upstream, call, renewed), signal);
    if (answer.status === 401) {
      await discard(answer);
      throw keyRefused(call);
    }
  }
  if (answer.status >= 300 && answer.status < 400) {
    await discard(answer);
    throw new KeyRefused(
      refusal('provider_failed', `${call.provider} answered with a redirect, which is not followed`),
    );
  }
  return answer;
}

/** A provider that cannot be reached may have moved since its secret was read. What has not left may be sent again. */
async function firstAnswer(
  ports: GatewayPorts,
  upstream: ModelCall['upstream'],
  call: ModelCall,
  access: ProviderAccess,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  try {
    return await ports.upstream.send(await requestOf(upstream, call, access), signal);
  } catch (error) {
    if (!(error instanceof UpstreamFailed) || error.sent || signal.aborted) throw error;
    const renewed = await renewedKey(ports, call, access);
    if (renewed === undefined) throw error;
    return ports.upstream.send(await requestOf(upstream, call, renewed), signal);
  }
}

/** What the provider says about the key is not for an agent. */
function keyRefused({ provider }: ModelCall): KeyRefused {
  return new KeyRefused(
    refusal('provider_not_configured', `${provider} refused the key of the gateway`, {
      fix: `store a valid key of ${provider} in the secret of this deployment`,
    }),
  );
}

async function renewedKey(
  ports: GatewayPorts,
  { provider }: ModelCall,
  refused: ProviderAccess,
): Promise<ProviderAccess | undefined> {
  try {
    return await ports.keys.renewed(provider, refused);
  } catch (error) {
    ports.signals.failed('the key of a provider could not be read again', error, { provider });
    return undefined;
  }
}

/** Throws `UpstreamFailed`: what cannot be signed is not sent. */
async function requestOf(
  { method, path, headers, body }: ModelCall['upstream'],
  call: ModelCall,
  access: ProviderAccess,
): Promise<UpstreamRequest> {
  const url = new URL(`${access.baseUrl}${path}`);
  const request = { method, url, headers: { ...headers, 'accept-encoding': 'identity' }, body };
  try {
    return { ...request, headers: { ...request.headers, ...(await access.authorise(request)) } };
  } catch (error) {
    throw new UpstreamFailed(false, `the call to ${call.provider} could not be signed`, error);
  }
}

/** So that the connection can be used again. What breaks off is not used again. */
async function discard(answer: UpstreamAnswer): Promise<void> {
  const chunks = answer.body[Symbol.asyncIterator]();
  const read = async (): Promise<void> => {
    while ((await chunks.next()).done !== true);
  };
  await read().catch(() => undefined);
}

/** Hands on every chunk as it comes. The last one is held back where the end comes with it. */
async function copy(
  answer: UpstreamAnswer,
  meter: UsageMeter,
  delivery: Delivery,
  silence: Silence,
): Promise<Pick<Transport, 'end' | 'rest'>> {
  const chunks = answer.body[Symbol.asyncIterator]();
  let coming = chunks.next();
  for (;;) {
    const chunk = await coming;
    silence.heard();
    if (chunk.done === true) return { end: { kind: 'whole' }, rest: EMPTY };
    const bytes = meter.push(chunk.value);
    coming = chunks.next();
    if (await endsWith(coming)) return { end: { kind: 'whole' }, rest: bytes };
    await delivery.write(bytes);
    // While the client was slow, the provider was not silent.
    silence.heard();
  }
}

/** Whether the end is there already. A failure is found by whoever takes the next chunk. */
function endsWith(coming: Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  return Promise.race([
    coming.then(
      ({ done }) => done === true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

function endOf(error: unknown, signal: AbortSignal): TransportEnd {
  // Whoever ended it: what has not left costs nothing.
  if (error instanceof UpstreamFailed && !error.sent) return { kind: 'not_sent', reason: error.message };
  if (signal.aborted) return { kind: 'aborted', reason: String(signal.reason) };
  if (error instanceof UpstreamFailed) return { kind: 'no_answer', reason: error.message };
  return { kind: 'broken', reason: 'the answer of the provider broke off' };
}

/** Renews the hold, and ends a call whose lease is gone. */
function keepAlive(
  ports: GatewayPorts,
  leases: Leases,
  caller: Caller,
  { holdId, payer: { executionId } }: Reservation,
  abort: AbortController,
): NodeJS.Timeout {
  const look = async (): Promise<void> => {
    try {
      const expiresAt = new Date(ports.clock.now().getTime() + HOLD_SECONDS * 1000).toISOString();
      const [live, open] = await Promise.all([
        leases.isLive(caller),
        holdId === undefined ? true : ports.ledger.renew(executionId, holdId, expiresAt),
      ]);
      if (!live) abort.abort('the lease was fenced or completed during the call');
      else if (!open) abort.abort('the hold was closed by somebody else during the call');
    } catch (error) {
      // The next look comes long before the hold expires.
      ports.signals.failed('a hold was not renewed', error, { executionId, holdId });
    }
  };
  return setInterval(() => void look(), RENEW_SECONDS * 1000);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
