import type { ErrorData } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';

/** Deeper values are refused: every later reader walks them recursively. */
export const OUTPUT_DEPTH_LIMIT = 200;

export type ParsedOutput =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: ErrorData };

/** The agent's output file as a JSON value. Messages hold nothing of the file, which may be confidential. */
export function parseOutput(text: string): ParsedOutput {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return invalid(`the output file is not JSON (${Buffer.byteLength(text)} bytes)`);
  }
  if (depthExceeds(value, OUTPUT_DEPTH_LIMIT)) return invalid(`the output is nested deeper than ${OUTPUT_DEPTH_LIMIT}`);
  try {
    canonicalJson(value);
  } catch {
    return invalid('the output holds a number that JSON cannot carry, such as 1e999');
  }
  return { ok: true, value };
}

function invalid(message: string): ParsedOutput {
  return {
    ok: false,
    error: { code: 'invalid_output', message, fix: 'write one JSON value to the file that WFLO_OUTPUT names' },
  };
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
