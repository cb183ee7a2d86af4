import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject } from '../json.ts';

/** The file in which the emulator keeps functions and their event source mappings. */
const STATE_FILE = 'lambda.json';
const POSITIONS = 'dynamodb_stream_positions';

/**
 * The emulator keeps how far each mapping had read a table's stream, but not the stream's records: after a restart it
 * would skip as many new records as it had delivered before. Without a position it starts at the mapping's own
 * TRIM_HORIZON, which is then the first record since the restart. The mappings themselves stay, so that CloudFormation
 * goes on knowing them. (Records that were written and not delivered before the stop are the outbox check's to find.)
 */
export async function forgetStreamPositions(stateFolder: string): Promise<void> {
  const file = join(stateFolder, STATE_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const without = withoutPositions(text);
  if (without === undefined) return;
  await writeFile(`${file}.new`, without, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Undefined where there is nothing to take out. Text that is not JSON is left to the emulator to complain about. */
export function withoutPositions(text: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(document)) return undefined;
  const payload = document.payload;
  if (isJsonObject(payload) && POSITIONS in payload) {
    const { [POSITIONS]: _positions, ...rest } = payload;
    return JSON.stringify({ ...document, payload: rest });
  }
  if (!(POSITIONS in document)) return undefined;
  const { [POSITIONS]: _positions, ...rest } = document;
  return JSON.stringify(rest);
}
