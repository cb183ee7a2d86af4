import type { Window } from './ledger.ts';

/** The UTC day (`2026-11-26`) or month (`2026-11`) that a moment is in. */
export function periodOf(window: Window, at: Date): string {
  return at.toISOString().slice(0, window === 'day' ? 10 : 7);
}

/** When a period ends, which is when the next one begins. */
export function endOfPeriod(window: Window, period: string): string {
  const [year = Number.NaN, month = 1, day = 1] = period.split('-').map(Number);
  const end = window === 'day' ? Date.UTC(year, month - 1, day + 1) : Date.UTC(year, month, 1);
  return new Date(end).toISOString();
}

/** The UTC minute (`2026-11-26T14:05`) in which requests and tokens are counted. */
export function minuteOf(at: Date): string {
  return at.toISOString().slice(0, 16);
}

/** Whole seconds, at least one, until another minute begins. */
export function secondsToNextMinute(at: Date): number {
  return Math.max(1, Math.ceil((60_000 - (at.getTime() % 60_000)) / 1000));
}

/** Every day (UTC) from one to another, both included; empty where `from` is later. */
export function daysBetween(from: string, to: string): readonly string[] {
  const days: string[] = [];
  for (let day = from; day <= to; day = endOfPeriod('day', day).slice(0, 10)) days.push(day);
  return days;
}
