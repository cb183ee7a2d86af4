import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventStreamMessage, EventStreamReader } from '../../../../lib/model-calls/bedrock/event-stream.ts';
import { cuts, framed } from '../../../_fixtures/model-calls/claude-samples.ts';

function read(chunks: Iterable<Uint8Array>) {
  const messages: EventStreamMessage[] = [];
  const reader = new EventStreamReader((message) => messages.push(message));
  for (const chunk of chunks) reader.push(chunk);
  const texts = messages.map(({ kind, type, body }) => `${kind} ${type} ${new TextDecoder().decode(body)}`);
  return { texts, broken: reader.broken, cutOff: reader.cutOff };
}

const STREAM = Buffer.concat([
  framed('messageStart', { role: 'assistant' }),
  framed('throttlingException', { message: '🌁' }, 'exception'),
  framed('InternalError', {}, 'error'),
]);
const WHOLE = {
  texts: [
    'event messageStart {"role":"assistant"}',
    'exception throttlingException {"message":"🌁"}',
    'error InternalError {}',
  ],
  broken: false,
  cutOff: false,
};

describe('an event stream', () => {
  it('is read the same wherever it is cut', () => {
    for (const chunks of cuts(STREAM)) expect(read(chunks)).toEqual(WHOLE);
  });

  it('is read the same in any chunks, also where their memory is used again', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 8 }), (places) => {
        const ends = [...places, STREAM.length].sort((a, b) => a - b);
        const memory = Buffer.alloc(STREAM.length);
        const chunks = ends.map((end, at) => STREAM.subarray(ends[at - 1] ?? 0, end));
        const reused = (function* () {
          for (const chunk of chunks) {
            chunk.copy(memory);
            yield memory.subarray(0, chunk.length);
            memory.fill(0);
          }
        })();
        expect(read(reused)).toEqual(WHOLE);
      }),
    );
  });

  it('is broken with any bit that is wrong, and nothing is read behind it', () => {
    for (let at = 0; at < STREAM.length; at++) {
      const wrong = Buffer.from(STREAM);
      wrong[at] = (wrong[at] ?? 0) ^ 0x10;
      const result = read([wrong]);
      expect(result.broken || result.cutOff).toBe(true);
      expect(WHOLE.texts.slice(0, 2).slice(0, result.texts.length)).toEqual(result.texts);
    }
  });

  it('is cut off where its last message is not complete', () => {
    for (let end = 1; end < STREAM.length; end++) {
      const { broken, cutOff, texts } = read([STREAM.subarray(0, end)]);
      expect(broken).toBe(false);
      expect(cutOff || texts.length < 3).toBe(true);
    }
  });

  it('keeps no memory for a message of 4 GB', () => {
    expect(read([Uint8Array.from([0xff, 0xff, 0xff, 0xff]), new Uint8Array(1000)])).toEqual({
      texts: [],
      broken: true,
      cutOff: true,
    });
    expect(read([Uint8Array.from([0, 0, 0, 1, 2])]).broken).toBe(true);
  });
});
