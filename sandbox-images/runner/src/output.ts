import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { OUTPUT_LIMIT_BYTES, type OutputError } from '../../../lib/sandbox/protocol.ts';

/** The agent's output file; `refused` says why it cannot be taken, and `missing` that there is none. */
export type Output =
  | { readonly kind: 'found'; readonly text: string; readonly bytes: Buffer }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly error: OutputError };

/**
 * Reads the output file. The runner may be root, so it follows no link and opens no pipe or device: only a regular
 * file with one name is read, and never more of it than the limit.
 */
export async function readOutput(file: string, limitBytes: number = OUTPUT_LIMIT_BYTES): Promise<Output> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return { kind: 'missing' };
    if (code === 'ELOOP') return refused('invalid_output', 'the output file is a symbolic link');
    return refused('invalid_output', `the output file cannot be opened (${code})`);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return refused('invalid_output', 'the output is not a regular file');
    if (stat.nlink !== 1) return refused('invalid_output', 'the output file is a hard link');
    const buffer = Buffer.alloc(Math.min(stat.size, limitBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > limitBytes || stat.size > limitBytes) {
      return refused('output_too_large', `the output has ${stat.size} bytes, the limit is ${limitBytes}`);
    }
    const bytes = buffer.subarray(0, length);
    try {
      return { kind: 'found', bytes, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
    } catch {
      return refused('invalid_output', 'the output is not UTF-8 text');
    }
  } finally {
    await handle.close();
  }
}

function refused(code: OutputError['code'], message: string): Output {
  return { kind: 'refused', error: { code, message } };
}
