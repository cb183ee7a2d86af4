import type { ErrorData } from '../errors.ts';
import { refusalOfJson } from '../execution/refusal-of-json.ts';
import type { Json } from '../json.ts';

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
  const refusal = refusalOfJson(value);
  if (refusal !== undefined) return invalid(`the output ${refusal}`);
  return { ok: true, value };
}

function invalid(message: string): ParsedOutput {
  return {
    ok: false,
    error: { code: 'invalid_output', message, fix: 'write one JSON value to the file that WFLO_OUTPUT names' },
  };
}
