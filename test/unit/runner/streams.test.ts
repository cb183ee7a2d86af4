import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_CHUNK_BYTES } from '../../../lib/sandbox/protocol.ts';
import { LogQueue } from '../../../sandbox-images/runner/src/log-queue.ts';
import { LINE_LIMIT_BYTES, LINES_LIMIT, StreamCapture } from '../../../sandbox-images/runner/src/stream-capture.ts';

function capture(chunks: readonly Buffer[], limit?: number): { lines: string[]; stream: StreamCapture } {
  const lines: string[] = [];
  const stream = new StreamCapture((text) => lines.push(text), limit);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return { lines, stream };
}

describe('a captured stream', () => {
  it('gives the same lines however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(40), { minLength: 1 }), (text, sizes) => {
        const bytes = Buffer.from(text);
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < bytes.length; index++) {
          const size = 1 + (sizes[index % sizes.length] ?? 0);
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const { lines, stream } = capture(chunks);
        const expected = bytes.toString().split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
        expect([stream.bytes, stream.truncated]).toEqual([bytes.length, false]);
      }),
    );
  });

  it('splits long lines between characters', () => {
    const { lines } = capture([Buffer.from(`x${'ü'.repeat(LINE_LIMIT_BYTES)}`)]);
    expect(lines.join('')).toBe(`x${'ü'.repeat(LINE_LIMIT_BYTES)}`);
    expect(lines.every((line) => Buffer.byteLength(line) <= LINE_LIMIT_BYTES)).toBe(true);
    expect(lines.length).toBe(3);
  });

  it('splits a long line of continuation bytes too', () => {
    const { lines } = capture([Buffer.alloc(LINE_LIMIT_BYTES * 2, 0x80)]);
    expect(lines.map((line) => line.length)).toEqual([LINE_LIMIT_BYTES, LINE_LIMIT_BYTES]);
  });

  it('keeps its limit, and counts the rest', () => {
    const { lines, stream } = capture([Buffer.from('abc\ndef\n'), Buffer.from('ghi')], 6);
    expect(lines).toEqual(['abc', 'de']);
    expect([stream.bytes, stream.keptBytes, stream.truncated]).toEqual([11, 6, true]);
  });

  it('keeps a limited number of lines', () => {
    const { lines, stream } = capture([Buffer.alloc(LINES_LIMIT + 5, '\n')]);
    expect(lines.length).toBe(LINES_LIMIT);
    expect(stream.truncated).toBe(true);
  });
});

describe('the log queue', () => {
  it('never cuts a chunk larger than the limit, and loses nothing', () => {
    const queue = new LogQueue();
    const texts = ['\u0001'.repeat(65_536), '🦉'.repeat(16_384), '"'.repeat(65_536), ''];
    for (const text of texts) queue.add({ at: '2026-01-01T00:00:00.000Z', stream: 'stdout', text });
    let all = '';
    for (let chunk = queue.take(); chunk.length > 0; chunk = queue.take()) {
      expect(Buffer.byteLength(JSON.stringify(chunk))).toBeLessThanOrEqual(LOG_CHUNK_BYTES);
      all += chunk.map((line) => line.text).join('');
    }
    expect(all).toBe(texts.join(''));
    expect(queue.bytes).toBe(0);
  });

  it('puts lines back in front', () => {
    const queue = new LogQueue();
    const line = (text: string) => ({ at: '2026-01-01T00:00:00.000Z', stream: 'stdout', text }) as const;
    queue.add(line('1'));
    const taken = queue.take();
    queue.add(line('2'));
    queue.putBack(taken);
    expect(queue.take().map(({ text }) => text)).toEqual(['1', '2']);
  });
});
