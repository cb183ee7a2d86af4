/** A length of time as the author wrote it. The compiler refuses what is not a positive whole number of seconds. */
export interface Duration {
  readonly seconds: number;
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
