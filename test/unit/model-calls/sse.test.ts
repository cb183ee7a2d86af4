import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ServerSentEvent, SseSplitter } from '../../../lib/model-calls/sse.ts';

const encode = (text: string) => new TextEncoder().encode(text);

interface Run {
  readonly events: ServerSentEvent[];
  readonly passed: string;
}

function run(chunks: readonly Uint8Array[], drop?: (event: ServerSentEvent) => boolean, maxEventBytes?: number): Run {
  const events: ServerSentEvent[] = [];
  const splitter = new SseSplitter({
    onEvent: (event) => {
      events.push(event);
      return !drop?.(event);
    },
    mayDrop: drop !== undefined,
    ...(maxEventBytes === undefined ? {} : { maxEventBytes }),
  });
  const out = chunks.map((chunk) => {
    const given = chunk.slice();
    const passed = splitter.push(given).slice();
    given.fill(0); // whoever gave it uses its memory again
    return passed;
  });
  return { events, passed: Buffer.concat([...out, splitter.end(true)]).toString('utf8') };
}

const bytewise = (text: string) => [...encode(text)].map((byte) => Uint8Array.of(byte));

describe('events, by the rules of the HTML standard', () => {
  test.each([
    ['LF', 'event: a\ndata: 1\n\ndata: 2\n\n'],
    ['CRLF', 'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n'],
    ['CR', 'event: a\rdata: 1\r\rdata: 2\r\r'],
    ['a byte order mark', '\ufeffevent: a\ndata: 1\n\ndata: 2\n\n'],
    ['comments, other fields and no blanks', ': hi\n\nid: 7\nevent:a\ndata:1\n: x\n\n\n\nretry: 1\n\ndata:2\n\n'],
    ['no last empty line', 'event: a\ndata: 1\n\ndata: 2'],
  ])('%s', (_, text) => {
    const expected = [
      { event: 'a', data: '1' },
      { event: '', data: '2' },
    ];
    for (const chunks of [[encode(text)], bytewise(text)]) {
      expect(run(chunks)).toEqual({ events: expected, passed: text });
      expect(run(chunks, () => false).passed).toBe(text);
      expect(run(chunks, () => false).events).toEqual(expected);
    }
  });

  test('data of several lines', () => {
    expect(run(bytewise('data: {"a":\ndata:  1}\ndata\n\n')).events).toEqual([{ event: '', data: '{"a":\n 1}\n' }]);
  });

  test('what is not UTF-8 is an event that cannot be read, and passes on', () => {
    const bytes = Uint8Array.of(...encode('data: '), 0xff, ...encode('\n\ndata: 2\n\n'));
    expect(run([bytes]).events).toEqual([
      { event: '', data: undefined },
      { event: '', data: '2' },
    ]);
  });

  test('an event that was cut off does not count', () => {
    const splitter = new SseSplitter({
      onEvent: () => {
        throw new Error('there is no event');
      },
      mayDrop: true,
    });
    expect(splitter.push(encode('data: 1\n')).length).toBe(0);
    expect(Buffer.from(splitter.end(false)).toString()).toBe('data: 1\n');
  });
});

test('one event is taken out; every other byte passes on', () => {
  const text = ': begin\r\n\r\ndata: ä1\r\n\r\ndata: drop\r\n\r\n: keep-alive\r\n\r\ndata: 2€\r\n\r\n';
  const without = text.replace('data: drop\r\n\r\n', '');
  const drop = ({ data }: ServerSentEvent) => data === 'drop';
  expect(run([encode(text)], drop).passed).toBe(without);
  expect(run(bytewise(text), drop).events.map(({ data }) => data)).toEqual(['ä1', 'drop', '2€']);
  // Cut between CR and LF, the LF of the dropped event stands for that of the one before it.
  expect(run(bytewise(text), drop).passed).toBe(without);
});

test('an event that is too long passes on unread, and memory is given back at once', () => {
  const text = `data: 1\n\ndata: ${'x'.repeat(100)}\n\ndata: 2\n\n`;
  for (const chunks of [[encode(text)], bytewise(text)]) {
    const { events, passed } = run(chunks, () => false, 20);
    expect(events).toEqual([
      { event: '', data: '1' },
      { event: '', data: undefined },
      { event: '', data: '2' },
    ]);
    expect(passed).toBe(text);
  }
});

test('however a stream is cut, it has the same events and passes on the same bytes', { timeout: 60_000 }, () => {
  const line = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replace(/[\r\n\ufeff]/g, '')}`),
    fc.constantFrom('', '', ': comment', 'event: e', 'data: drop', 'data'),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')))
    .map((lines) => lines.map((parts) => parts.join('')).join(''));
  const drop = ({ data }: ServerSentEvent) => data === 'drop';
  fc.assert(
    fc.property(stream, fc.array(fc.nat(400)), (text, cuts) => {
      const bytes = encode(text);
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((to, index) => bytes.slice(at[index], to));
      const whole = run([bytes], drop);
      const cut = run(chunks, drop);
      expect(cut.events).toEqual(whole.events);
      expect(run(chunks)).toEqual({ events: whole.events, passed: text });
      // A second reader finds the same events in what was passed on, without the dropped ones.
      const kept = whole.events.filter((event) => !drop(event));
      expect(run([encode(cut.passed)]).events).toEqual(kept);
    }),
    { numRuns: 500 },
  );
});
