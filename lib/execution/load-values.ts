import type { Json } from '../json.ts';
import type { BlobStore } from '../ports.ts';
import type { RefData } from '../workflow/template.ts';
import { type MachineState, stateKey } from './machine.ts';
import type { Handle } from './records.ts';
import type { LoadedValues } from './resolve-template.ts';

/**
 * Loads what the references read, each value once, and nothing else. The input is named by its record; the outputs by
 * the state of the machine, whose handles carry the hash of what they name.
 */
export async function loadValues(
  blobs: BlobStore,
  executionId: string,
  refs: readonly RefData[],
  stored: { readonly input: Handle | undefined; readonly steps: MachineState['steps'] },
): Promise<LoadedValues> {
  const wanted = new Set(refs.flatMap(({ source }) => (source.from === 'step' ? [source.step] : [])));
  const load = async (handle: Handle | null | undefined): Promise<Json | undefined> =>
    handle ? blobs.get(executionId, handle) : undefined;

  const needsInput = refs.some(({ source }) => source.from === 'input');
  const outputs = [...wanted].map(async (path) => [path, await load(stored.steps[stateKey(path)]?.ref)] as const);
  // All together: a failure that nobody waits for yet would end the process of the function.
  const [input, ...loaded] = await Promise.all([load(needsInput ? stored.input : undefined), ...outputs]);
  return {
    input,
    steps: new Map(loaded.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined)),
  };
}
