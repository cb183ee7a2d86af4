import { crc32 } from 'node:zlib';

const STRING = 7;

/**
 * One message of `application/vnd.amazon.eventstream`: lengths and their CRC-32, headers (name length, name, type,
 * value length, value), payload, and the CRC-32 of all before.
 */
export function eventStreamMessage(headers: { readonly [name: string]: string }, payload: Uint8Array): Uint8Array {
  const encoded = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const bytes = Buffer.from(value);
      const head = Buffer.alloc(name.length + 4);
      head.writeUInt8(name.length, 0);
      head.write(name, 1);
      head.writeUInt8(STRING, name.length + 1);
      head.writeUInt16BE(bytes.length, name.length + 2);
      return Buffer.concat([head, bytes]);
    }),
  );
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + encoded.length + payload.length, 0);
  prelude.writeUInt32BE(encoded.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const checked = Buffer.concat([prelude, encoded, payload]);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(checked), 0);
  return Buffer.concat([checked, end]);
}

export function eventMessage(type: string, payload: unknown): Uint8Array {
  return eventStreamMessage(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    Buffer.from(JSON.stringify(payload)),
  );
}

export function exceptionMessage(type: string, message: string): Uint8Array {
  return eventStreamMessage(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    Buffer.from(JSON.stringify({ message })),
  );
}
