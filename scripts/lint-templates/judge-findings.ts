import type { CheckovReason } from './checkov-reasons.ts';

export interface Finding {
  readonly check: string;
  readonly name: string;
  readonly file: string;
  /** `<type>.<logical id>`. */
  readonly resource: string;
}

export interface Judgement {
  readonly unreasoned: readonly Finding[];
  /** What is wrong with the list itself. */
  readonly staleReasons: readonly string[];
}

/** `acknowledged`: the rules of cdk-nag for which a reason stands beside a construct of these templates. */
export function judgeFindings(
  findings: readonly Finding[],
  reasons: readonly CheckovReason[],
  acknowledged: ReadonlySet<string>,
): Judgement {
  const covers = (reason: CheckovReason, finding: Finding) =>
    reason.check === finding.check && reason.resource.test(finding.resource);
  const staleReasons = reasons.flatMap((each) => {
    const where = `${each.check} for ${each.resource.source}`;
    if (!findings.some((finding) => covers(each, finding))) return [`${where}: no finding needs this reason`];
    if (typeof each.reason === 'string' || acknowledged.has(each.reason.sameAs)) return [];
    return [`${where}: no construct has a reason for ${each.reason.sameAs}`];
  });
  return { unreasoned: findings.filter((finding) => !reasons.some((each) => covers(each, finding))), staleReasons };
}

interface CheckovReport {
  readonly summary: { readonly passed: number; readonly parsing_errors: number };
  readonly results: {
    readonly failed_checks: readonly {
      readonly check_id: string;
      readonly check_name: string;
      readonly file_path: string;
      readonly resource: string;
    }[];
  };
}

/** What `checkov --output json` printed about one framework. A report on nothing, or on files that it could not read, is an error. */
export function readReport(text: string): { readonly passed: number; readonly findings: readonly Finding[] } {
  const { summary, results } = JSON.parse(text) as Partial<CheckovReport>;
  if (summary === undefined || results === undefined || summary.passed === 0)
    throw new Error('checkov has checked nothing');
  if (summary.parsing_errors > 0) throw new Error(`checkov could not read ${summary.parsing_errors} templates`);
  return {
    passed: summary.passed,
    findings: results.failed_checks.map((failed) => ({
      check: failed.check_id,
      name: failed.check_name,
      file: failed.file_path,
      resource: failed.resource,
    })),
  };
}

/** Rules that the metadata of a synthesised stack says are acknowledged. */
export function acknowledgedRules(metadata: string): string[] {
  const entries = Object.values(
    JSON.parse(metadata) as Record<string, { readonly type: string; readonly data?: unknown }[]>,
  ).flat();
  return entries
    .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
    .flatMap(({ data }) => Object.keys(data as object))
    .map((rule) => rule.replace(/^Annotation::/, ''));
}
