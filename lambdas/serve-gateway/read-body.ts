/**
 * The bytes of a request, of which no more than the limit are read, whatever its head says. `cut_off`: the client went
 * away, or was too slow, before the end.
 */
export type BodyReader = (limitBytes: number) => Promise<Uint8Array | 'too_large' | 'cut_off'>;

export function bodyReader({ headers, body }: Request): BodyReader {
  return async (limitBytes) => {
    const declared = Number(headers.get('content-length') ?? 0);
    if (declared <= limitBytes) return readChunks(body ?? [], limitBytes);
    await body?.cancel();
    return 'too_large';
  };
}

/** Leaves the rest of what is too large. */
export async function readChunks(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array | 'too_large' | 'cut_off'> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > limitBytes) return 'too_large';
      chunks.push(chunk);
    }
  } catch {
    return 'cut_off';
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes);
}
