import type { JsonObject } from '../json.ts';
import { unpricedFeature } from './refusals.ts';
import { CallRefused } from './wire-format.ts';

/**
 * Throws `unpriced_feature` with the name of the first field that is not allowed: what a provider adds tomorrow is
 * refused until somebody has looked at what it costs. `null` is how SDKs say that a field is not there.
 * `path` leads to the object: `messages[3]`, or empty for the body itself.
 */
export function allowFields(object: JsonObject, allowed: ReadonlySet<string>, path: string): void {
  for (const name in object) {
    if (object[name] !== null && !allowed.has(name)) {
      throw new CallRefused(unpricedFeature(fieldPath(path, name.slice(0, 100))));
    }
  }
}

export function fieldPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
