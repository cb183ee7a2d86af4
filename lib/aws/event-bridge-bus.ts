import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { ChainRecord, WfloEvent } from '../audit/events.ts';
import { WfloError } from '../errors.ts';
import type { EventBus } from '../ports.ts';

/** `detail` of an event on the bus: the event, and its place in the chain. */
export interface BusDetail extends WfloEvent {
  readonly seq: number;
  readonly prevHash: string;
  readonly hash: string;
}

export const BUS_SOURCE = 'wflo';

/** Limits of PutEvents. SQS and Lambda, which rules deliver to, take 256 KB, whatever the bus takes. */
const MAX_ENTRIES = 10;
const MAX_BYTES = 256 * 1024;
/** What rules add around the detail: account, region, time, ids. */
const ENVELOPE_BYTES = 1024;

export function eventBridgeBus(options: { readonly client: EventBridgeClient; readonly eventBus: string }): EventBus {
  const { client, eventBus } = options;
  return {
    async publish(records) {
      for (const Entries of requestsOf(records.map((record) => busEntry(record, eventBus)))) {
        const answer = await client.send(new PutEventsCommand({ Entries }));
        const failed = (answer.Entries ?? []).filter((entry) => entry.ErrorCode !== undefined);
        if (failed.length > 0) {
          const codes = [...new Set(failed.map((entry) => entry.ErrorCode))].join(', ');
          throw new WfloError('internal', `${eventBus} did not take ${failed.length} of ${Entries.length}: ${codes}`);
        }
      }
    },
  };
}

export function busEntry(record: ChainRecord, eventBus: string): PutEventsRequestEntry {
  const { seq, prevHash, hash, event } = record;
  const detail: BusDetail = { ...event, seq, prevHash, hash };
  const text = JSON.stringify(detail);
  const bytes = Buffer.byteLength(text);
  return {
    EventBusName: eventBus,
    Source: BUS_SOURCE,
    DetailType: event.eventType,
    Time: new Date(event.timestamp),
    // Too large to deliver: the chain has the whole event, and the hash here names it.
    Detail: bytes <= MAX_BYTES - ENVELOPE_BYTES ? text : JSON.stringify({ ...detail, data: { omittedBytes: bytes } }),
  };
}

/** Entries in order, in requests of 10 entries and 256 KB at most. */
function requestsOf(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const requests: PutEventsRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.Detail ?? '') + ENVELOPE_BYTES;
    const last = requests.at(-1);
    if (last === undefined || last.length === MAX_ENTRIES || bytes + size > MAX_BYTES) {
      requests.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return requests;
}
