/** A length of time as the author wrote it. The compiler refuses what is not a positive whole number of seconds. */
export interface Duration {
  readonly seconds: number;
}

/** Seconds of a duration; NaN, which the compiler refuses, for anything else. */
export function secondsOf(duration: Duration): number {
  const given: unknown = duration;
  if (typeof given !== 'object' || given === null || !('seconds' in given)) return Number.NaN;
  return typeof given.seconds === 'number' ? given.seconds : Number.NaN;
}

export function seconds(count: number): Duration {
  return { seconds: count };
}

export function minutes(count: number): Duration {
  return { seconds: count * 60 };
}

export function hours(count: number): Duration {
  return { seconds: count * 60 * 60 };
}

export function days(count: number): Duration {
  return { seconds: count * 24 * 60 * 60 };
}
