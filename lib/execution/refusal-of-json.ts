import { canonicalJson, type Json } from '../json.ts';

/** Deeper values are refused: every later reader walks them recursively. */
const DEPTH_LIMIT = 200;

/** Why a value that was read from JSON text cannot be kept, as the end of a sentence; undefined where it can. */
export function refusalOfJson(value: Json): string | undefined {
  if (depthExceeds(value, DEPTH_LIMIT)) return `is nested deeper than ${DEPTH_LIMIT}`;
  try {
    canonicalJson(value);
  } catch {
    return 'holds a number that JSON cannot carry, such as 1e999';
  }
  return undefined;
}

function depthExceeds(root: Json, limit: number): boolean {
  let level: Json[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? (Object.values(value) as Json[]) : [],
    );
  }
  return false;
}
