import { describe, expect, it } from 'vitest';
import { approvalIdOf, byPathThenNumber, executionIdOfApproval } from '../../../lib/approvals/approval-id.ts';
import { isExecutionId } from '../../../lib/execution/identity.ts';

describe('the id of an approval', () => {
  it('names execution, path and number, and fits a segment of a URL', () => {
    const id = approvalIdOf('report:one', 'crew/write', 12);
    expect(id).toBe('report:one:crew.write:12');
    expect(executionIdOfApproval(id)).toBe('report:one');
  });

  it.each([
    '',
    'report:one',
    'report:one:write',
    'report:one:write:',
    'report:one:write:0',
    'report:one:write:01',
    'report:one:crew/write:1',
    'report:one:write:1:1',
    'Report:one:write:1',
    'tenant:default:write:1',
    'report:one:write:1\n',
  ])('is not %j', (text) => {
    expect(() => executionIdOfApproval(text)).toThrow(expect.objectContaining({ code: 'unknown_approval' }));
  });

  it('orders by path, then by number', () => {
    const ids = ['write-more:1', 'write:10', 'write:9', 'crew.write:2'].map((rest) => `report:one:${rest}`);
    const sorted = ids.map((approvalId) => ({ approvalId })).sort(byPathThenNumber);
    expect(sorted.map(({ approvalId }) => approvalId.slice('report:one:'.length))).toEqual([
      'crew.write:2',
      'write:9',
      'write:10',
      'write-more:1',
    ]);
  });
});

it('no execution is of the workflow "tenant", whose ids are those of the chains of tenants', () => {
  expect(isExecutionId('tenant:default')).toBe(false);
  expect(isExecutionId('tenants:default')).toBe(true);
});
