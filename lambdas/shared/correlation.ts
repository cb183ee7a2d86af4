import type { Correlation } from './platform-handler.ts';

/** Ids of an event of a step, whose configuration travels as JSON text. */
export function stepCorrelation(event: {
  readonly executionId: string;
  readonly step: string;
  readonly prepared?: { readonly attempt: number };
}): Correlation {
  const { path } = JSON.parse(event.step) as { readonly path: string };
  const attempt = event.prepared?.attempt;
  return { executionId: event.executionId, stepPath: path, ...(attempt === undefined ? {} : { attempt }) };
}
