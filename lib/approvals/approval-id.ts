import { WfloError } from '../errors.ts';
import { isExecutionId } from '../execution/identity.ts';

export interface ApprovalName {
  readonly executionId: string;
  /** With `.` for `/`. */
  readonly path: string;
  readonly number: number;
}

/** `<executionId>:<path with / as .>:<number>`: names of steps have no dot, and an id fits a segment of a URL. */
export function approvalIdOf(executionId: string, path: string, number: number): string {
  return `${executionId}:${path.replaceAll('/', '.')}:${number}`;
}

/** Throws `unknown_approval` for anything that `approvalIdOf` does not make. */
export function parseApprovalId(approvalId: string): ApprovalName {
  const [, executionId = '', path = '', digits] =
    /^([^:]+:[^:]+):([A-Za-z][A-Za-z0-9_.-]{0,159}):([1-9][0-9]{0,8})$/.exec(approvalId) ?? [];
  if (digits === undefined || !isExecutionId(executionId)) {
    throw new WfloError('unknown_approval', `"${approvalId}" is not the id of an approval`, {
      fix: 'use an id that `wflo approvals --all` prints',
    });
  }
  return { executionId, path, number: Number(digits) };
}

export function isApprovalId(text: string): boolean {
  try {
    parseApprovalId(text);
    return true;
  } catch {
    return false;
  }
}

export function executionIdOfApproval(approvalId: string): string {
  return parseApprovalId(approvalId).executionId;
}

/** Order of approvals of one execution: by path, then by number. */
export function byPathThenNumber(a: { readonly approvalId: string }, b: { readonly approvalId: string }): number {
  const [one, two] = [parseApprovalId(a.approvalId), parseApprovalId(b.approvalId)];
  if (one.path !== two.path) return one.path < two.path ? -1 : 1;
  return one.number - two.number;
}
