import { canonicalJson, type Json, sha256 } from '../json.ts';
import { refusalOfJson } from './refusal-of-json.ts';

/** SHA-256 of the canonical input of an execution; of the empty text for an input that has none, which is refused. */
export function inputHash(input: Json): string {
  return sha256(refusalOfJson(input) === undefined ? canonicalJson(input) : '');
}
