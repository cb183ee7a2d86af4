import type { ErrorCode } from '../errors.ts';
import type { Finding } from '../workflow/definition.ts';

/** Adds a finding. `place` is a step with a property (`plan.command[1]`), or '' for the workflow itself. */
export type Report = (code: ErrorCode, place: string, reason: string, fix: string) => void;

export function reporter(workflow: string, findings: Finding[]): Report {
  return (code, place, reason, fix) =>
    findings.push({ code, path: place === '' ? workflow : `${workflow}/${place}`, reason, fix });
}

/** One finding as lines for a person. */
export function findingText({ code, path, reason, fix }: Finding): string {
  return `${path}: ${reason} [${code}]\n  fix: ${fix}`;
}
