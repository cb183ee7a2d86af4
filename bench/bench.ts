/** One measured thing. `limit` is the promise; a result beyond it fails the benchmark. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number;
  /** Printed and kept, but not shown in the README. */
  readonly detail?: true;
}

export interface Benchmark {
  /** Name of the result file, `bench/results/<name>.json`. */
  readonly name: string;
  readonly title: string;
  /** Why it cannot be run on this machine; its last result is kept. */
  readonly notRun?: () => string | undefined;
  readonly run: () => Promise<readonly Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The smallest value that `share` of them do not pass (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
