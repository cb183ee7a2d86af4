import { describe, expect, it } from 'vitest';
import { CHECKOV_REASONS, type CheckovReason } from '../../../scripts/lint-templates/checkov-reasons.ts';
import { acknowledgedRules, judgeFindings, readReport } from '../../../scripts/lint-templates/judge-findings.ts';

const finding = { check: 'CKV_AWS_18', name: 'access logs', file: '/t.json', resource: 'AWS::S3::Bucket.Artefacts1' };
const reason: CheckovReason = { check: 'CKV_AWS_18', resource: /^AWS::S3::Bucket\.Artefacts\w+$/, reason: 'because' };

describe('findings of checkov', () => {
  it('stand with a reason for that check and that resource', () => {
    expect(judgeFindings([finding], [reason], new Set())).toEqual({ unreasoned: [], staleReasons: [] });
  });

  it('fail without one: another bucket, another check', () => {
    const others = [
      { ...finding, resource: 'AWS::S3::Bucket.Logs1' },
      { ...finding, check: 'CKV_AWS_19' },
    ];
    expect(judgeFindings([finding, ...others], [reason], new Set()).unreasoned).toEqual(others);
  });

  it('fail for a reason that nothing needs any more', () => {
    expect(judgeFindings([], [reason], new Set()).staleReasons).toEqual([
      expect.stringContaining('no finding needs this reason'),
    ]);
  });

  it('share a reason of cdk-nag, as long as a construct has it', () => {
    const shared = { ...reason, reason: { sameAs: 'AwsSolutions-S1' } } as const;
    const metadata = JSON.stringify({
      '/Stack/Bucket': [{ type: 'aws:cdk:acknowledged-rules', data: { 'Annotation::AwsSolutions-S1': 'why' } }],
      '/Stack/Other': [{ type: 'aws:cdk:logicalId', data: 'Other' }],
    });
    const acknowledged = new Set(acknowledgedRules(metadata));
    expect(judgeFindings([finding], [shared], acknowledged).staleReasons).toEqual([]);
    expect(judgeFindings([finding], [shared], new Set()).staleReasons).toEqual([
      expect.stringContaining('no construct has a reason for AwsSolutions-S1'),
    ]);
  });

  it('count only from a report on templates that were read', () => {
    const report = (passed: number, unread: number) =>
      JSON.stringify({ summary: { passed, parsing_errors: unread }, results: { failed_checks: [] } });
    expect(readReport(report(3, 0))).toEqual({ passed: 3, findings: [] });
    expect(() => readReport(report(0, 0))).toThrow('checked nothing');
    // What checkov prints where it was given no file of the framework.
    expect(() => readReport('{"passed": 0, "failed": 0, "resource_count": 0}')).toThrow('checked nothing');
    expect(() => readReport(report(3, 1))).toThrow('could not read 1');
  });
});

it('every reason is a sentence about one check, and no check has two for the same resources', () => {
  const keys = CHECKOV_REASONS.map(({ check, resource }) => `${check} ${resource.source}`);
  expect(new Set(keys).size).toBe(keys.length);
  for (const { reason: why } of CHECKOV_REASONS) if (typeof why === 'string') expect(why.length).toBeGreaterThan(60);
});
