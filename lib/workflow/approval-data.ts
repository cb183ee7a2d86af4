import { toTemplate } from './author-values.ts';
import type { FindingCollector } from './collector.ts';
import { type ApprovalPolicy, type ApprovalStep, OTHERWISE, type Quorum } from './definition.ts';
import { minutes, secondsOf } from './durations.ts';
import { isOptions } from './is-options.ts';
import type { ApprovalOptions, GateOptions } from './step-options.ts';

const APPROVAL_FIX = "write { from: [group('data-owners', 1)], within: hours(4) }";

/** Stands for what is not an approval at all, so that one mistake is one finding. */
const STAND_IN: ApprovalPolicy = {
  from: [{ group: 'unknown', min: 1 }],
  notRequester: true,
  withinSeconds: 1,
  executeWithinSeconds: 1,
  otherwise: 'reject',
};

/** The data of a stand-alone gate, defaults filled in. */
export function approvalStep(path: string, options: GateOptions, collector: FindingCollector): ApprovalStep {
  return {
    kind: 'approval',
    path,
    subject: isOptions(options)
      ? toTemplate(options.subject, `${path}.subject`, collector)
      : // Without options there is one finding, which the policy brings.
        { literal: null },
    approval: approvalPolicy(options, path, collector),
  };
}

/** The data of a policy, defaults filled in. */
export function approvalPolicy(options: ApprovalOptions, place: string, collector: FindingCollector): ApprovalPolicy {
  if (!isOptions(options)) {
    collector.add('invalid_approval', place, 'what stands here is not an approval', APPROVAL_FIX);
    return STAND_IN;
  }
  return {
    from: quorumsOf(options.from, `${place}.from`, collector),
    notRequester: notRequester(options.notRequester, `${place}.notRequester`, collector),
    withinSeconds: withinSeconds(options, `${place}.within`, collector),
    executeWithinSeconds: secondsOf(options.executeWithin ?? minutes(30)),
    otherwise: otherwise(options.otherwise, `${place}.otherwise`, collector),
  };
}

/** What is no list has no group, which the compiler refuses. */
function quorumsOf(given: unknown, place: string, collector: FindingCollector): readonly Quorum[] {
  if (!Array.isArray(given)) return [];
  return given.map((entry: unknown, index) => {
    if (isOptions(entry) && 'group' in entry && typeof entry.group === 'string') {
      collector.sawLiteral(entry.group, `${place}[${index}]`);
      const min = 'min' in entry && typeof entry.min === 'number' ? entry.min : Number.NaN;
      return { group: entry.group, min };
    }
    collector.add(
      'invalid_approval',
      `${place}[${index}]`,
      'what stands in the list is not a group with a name',
      "write from: [group('data-owners', 1)]",
    );
    return { group: `unknown-${index}`, min: 1 };
  });
}

function notRequester(given: unknown, place: string, collector: FindingCollector): boolean {
  if (given !== undefined && typeof given !== 'boolean') {
    collector.add('invalid_approval', place, 'notRequester is neither true nor false', 'write true, or leave it out');
  }
  return given !== false;
}

function withinSeconds(options: Partial<ApprovalOptions>, place: string, collector: FindingCollector): number {
  if (options.within !== undefined) return secondsOf(options.within);
  collector.add(
    'invalid_approval',
    place,
    'the approval has no time limit, so the execution could wait for it without end',
    'write within: hours(4), or as long as people may need',
  );
  return STAND_IN.withinSeconds;
}

function otherwise(given: unknown, place: string, collector: FindingCollector): ApprovalPolicy['otherwise'] {
  const known = OTHERWISE.find((word) => word === given);
  if (known !== undefined || given === undefined) return known ?? 'reject';
  collector.add(
    'invalid_approval',
    place,
    'what happens when nobody decides in time is none of the words for it',
    `write ${OTHERWISE.map((word) => `'${word}'`).join(' or ')}`,
  );
  return 'reject';
}
