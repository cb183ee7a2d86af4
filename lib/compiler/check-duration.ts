import type { Report } from './findings.ts';

export function checkDuration(what: string, seconds: number, limit: number, place: string, report: Report): void {
  if (isWithin(seconds, limit)) return;
  report(
    'invalid_duration',
    place,
    Number.isNaN(seconds) ? `${what} is not a duration` : `${what} is ${seconds} seconds`,
    Number.isFinite(limit) && limit > 0
      ? `use seconds(), minutes(), hours() or days() for whole seconds from 1 to ${limit}`
      : 'use seconds(), minutes(), hours() or days()',
  );
}

export function isWithin(seconds: number, limit: number): boolean {
  // A limit that is itself wrong has its own finding.
  return Number.isInteger(seconds) && seconds > 0 && (!(limit > 0) || seconds <= limit);
}
