import type { ApprovalSummary, ApprovalView, DecisionView } from '../client/api.ts';
import type { ApprovalStatus } from '../execution/status.ts';
import { exactUsd } from './render-costs.ts';
import { type Colour, type Style, visible } from './style.ts';
import { table } from './table.ts';
import { durationText, instantText, untilText } from './times.ts';

const COLOURS: { readonly [S in ApprovalStatus]: Colour } = {
  pending: 'yellow',
  granted: 'green',
  rejected: 'red',
  expired: 'red',
  cancelled: 'dim',
};

/** `2 of finance, 1 of ops` */
export function quorumText(groups: ApprovalSummary['groups']): string {
  return groups.map(({ group, min }) => `${min} of ${group}`).join(', ');
}

/** Whom an approval asks: `2 of finance`, or `one budget-owner or administrator`. */
export function askedText({ groups, roles }: Pick<ApprovalSummary, 'groups' | 'roles'>): string {
  return roles === undefined ? quorumText(groups) : `one ${roles.join(' or ')}`;
}

/** `$0.08 more for the execution, whose $0.10 do not suffice`; empty where no budget is to be raised. */
export function raiseText({ raise }: Pick<ApprovalSummary, 'raise'>): string {
  if (raise === undefined) return '';
  const whose = raise.agent === undefined ? 'the execution' : `the agent ${raise.agent}`;
  return `${exactUsd(raise.byUsd)} more for ${whose}, whose ${exactUsd(raise.limitUsd)} do not suffice`;
}

/** Who asks, and whether anything proves it. */
export function requesterText({ id, verified }: ApprovalSummary['requester']): string {
  return visible(verified ? id : `${id} (nothing proves it)`);
}

/** Who has approved so far, as the end of a sentence; empty where nobody has. */
export function approvedSoFar(decisions: readonly DecisionView[]): string {
  const people = decisions.filter(({ decision }) => decision === 'approve').map(({ personId }) => personId);
  return people.length === 0 ? '' : `, approved so far by ${people.join(', ')}`;
}

export function approvalTable(
  approvals: readonly ApprovalSummary[],
  all: boolean,
  now: Date,
  style: Style,
): readonly string[] {
  if (approvals.length === 0) return [all ? 'no approvals' : 'nothing waits for approval'];
  return table([
    ['APPROVAL', 'STEP', 'ASKED FOR', 'REQUESTED BY', all ? 'STATUS' : 'EXPIRES IN'].map((title) =>
      style('dim', title),
    ),
    ...approvals.map((one) => [
      one.approvalId,
      one.stepPath,
      `${askedText(one)}${one.raise === undefined ? '' : `: ${raiseText(one)}`}${approvedSoFar(one.decisions)}`,
      requesterText(one.requester),
      all ? statusText(one, now, style) : expiresInText(one.expiresAt, now),
    ]),
  ]);
}

function statusText({ status, expiresAt }: ApprovalSummary, now: Date, style: Style): string {
  const word = style(COLOURS[status], status);
  return status === 'pending' ? `${word}, expires ${untilText(expiresAt, now)}` : word;
}

function expiresInText(expiresAt: string, now: Date): string {
  const left = Date.parse(expiresAt) - now.getTime();
  return left <= 0 ? 'expired' : durationText(left);
}

/** Everything that a person has to see before deciding. `missing`: what a pending one still needs, where it is known. */
export function approvalLines(
  view: ApprovalView,
  missing: ApprovalSummary['groups'] | undefined,
  now: Date,
  style: Style,
): readonly string[] {
  const pending = view.status === 'pending';
  const at = (iso: string) => `${instantText(iso)} (${untilText(iso, now)})`;
  const rows = [
    ['asks', askedText(view)],
    [view.roles === undefined ? 'why more' : 'why them', visible(view.note ?? '')],
    ['still needs', pending && missing !== undefined ? quorumText(missing) : ''],
    [pending ? 'expires' : 'expiry', at(view.expiresAt)],
    ['decided', view.decidedAt === null ? '' : at(view.decidedAt)],
    ['use before', view.executeBy === null || view.claimedAt !== null ? '' : at(view.executeBy)],
    ['used', view.claimedAt === null ? '' : at(view.claimedAt)],
    [
      'for',
      view.raise === undefined
        ? `step ${view.stepPath} (${view.kind}) of ${view.executionId}`
        : `${raiseText(view)}; ${view.executionId}`,
    ],
    ['requested by', `${requesterText(view.requester)}, ${at(view.requestedAt)}`],
    ['risk', view.risk === null ? 'not assessed' : String(view.risk)],
    ['payload', view.payloadHash],
    ...view.decisions.map((vote, index) => [index === 0 ? 'votes' : '', voteText(vote)]),
  ];
  return [
    `${style('bold', view.approvalId)}  ${style(COLOURS[view.status], view.status)}`,
    ...table(rows.filter(([, text]) => text !== '').map(([name = '', text = '']) => [`  ${name}`, text])),
    '',
    ...renderingLines(view, style),
  ];
}

function voteText({ personId, decision, comment, at, via }: DecisionView): string {
  const word = decision === 'approve' ? 'approved' : 'rejected';
  const said = comment === undefined ? '' : `: ${JSON.stringify(comment)}`;
  return visible(`${personId} ${word} ${instantText(at)} via ${via}${said}`);
}

/** What is asked, in the words of Wflo; `most` lines of it. */
export function renderingLines(
  { rendering, approvalId }: ApprovalView,
  style: Style,
  most = Number.POSITIVE_INFINITY,
): string[] {
  const lines = rendering
    .trimEnd()
    .split('\n')
    // Values are indented, so that such a line is always of Wflo itself.
    .map((line) => `  ${line.startsWith('! ') ? style('yellow', visible(line)) : visible(line)}`);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most), `  … ${lines.length - most} more lines: wflo approval ${approvalId}`];
}
