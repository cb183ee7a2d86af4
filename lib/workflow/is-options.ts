import { handedOnIdentity } from './handed-on.ts';
import { refIdentity } from './references.ts';

/** Whether something is an object of options at all. Untyped code may give anything. */
export function isOptions(given: unknown): given is object {
  return (
    typeof given === 'object' &&
    given !== null &&
    !Array.isArray(given) &&
    refIdentity(given) === undefined &&
    handedOnIdentity(given) === undefined
  );
}
