import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { LocalPaths } from './paths.ts';

/** The files of the pinned emulator; each is `{ __ministack_format__, payload }`. */
const FUNCTIONS_FILE = 'lambda.json';
const BUCKETS_FILE = 's3.json';
const POSITIONS = 'dynamodb_stream_positions';

/** Makes what an earlier run left fit for the next start. The emulator must not run. */
export async function prepareKeptState(paths: LocalPaths): Promise<void> {
  await forgetStreamPositions(paths.emulatorState);
  await dropUnknownBuckets(paths);
}

/**
 * The emulator keeps how far each mapping had read a table's stream, but not the stream's records: after a restart it
 * would skip as many new records as it had delivered before. Without a position it starts at the mapping's own
 * TRIM_HORIZON, which is then the first record since the restart. The mappings themselves stay, so that CloudFormation
 * goes on knowing them. (Records that were written and not delivered before the stop are the outbox check's to find.)
 */
async function forgetStreamPositions(stateFolder: string): Promise<void> {
  const file = join(stateFolder, FUNCTIONS_FILE);
  const text = await textOf(file);
  if (text === undefined) return;
  const without = withoutPositions(text);
  if (without === undefined) return;
  await writeFile(`${file}.new`, without, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Undefined where there is nothing to take out. What is not such a document is left to the emulator to judge. */
export function withoutPositions(text: string): string | undefined {
  const document = parse(text);
  const payload = document?.payload;
  if (document === undefined || !isJsonObject(payload) || !(POSITIONS in payload)) return undefined;
  const { [POSITIONS]: _positions, ...rest } = payload;
  return JSON.stringify({ ...document, payload: rest });
}

/**
 * Objects are written at once, everything else at a clean stop. After a crash there are folders of buckets that no
 * stack knows, and the next deployment would fail because their names are taken.
 */
async function dropUnknownBuckets(paths: LocalPaths): Promise<void> {
  const text = await textOf(join(paths.emulatorState, BUCKETS_FILE));
  const known = text === undefined ? new Set<string>() : knownBuckets(text);
  if (known === undefined) return;
  for (const account of await namesIn(paths.emulatorObjects))
    for (const bucket of await namesIn(join(paths.emulatorObjects, account)))
      if (!known.has(bucket)) await rm(join(paths.emulatorObjects, account, bucket), { recursive: true, force: true });
}

/** Keys are `<account>\0'<bucket>'`. Undefined where the document has another form: then nothing is known. */
export function knownBuckets(text: string): ReadonlySet<string> | undefined {
  const payload = parse(text)?.payload;
  const buckets = isJsonObject(payload) ? payload.buckets_meta : undefined;
  const data = isJsonObject(buckets) ? buckets.data : undefined;
  if (!isJsonObject(data)) return undefined;
  const names = Object.keys(data).map((key) => /^\d{12}\0'([^']+)'$/.exec(key)?.[1]);
  return names.every((name) => name !== undefined) ? new Set(names) : undefined;
}

function parse(text: string): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isJsonObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
