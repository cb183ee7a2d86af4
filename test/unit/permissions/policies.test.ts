import { expect, it } from 'vitest';
import { policyStatements } from '../../_helpers/permissions/policies.ts';

const role = (more: object) => ({
  stack: 'workflows',
  name: 'WorkflowhelloRole',
  type: 'AWS::IAM::Role',
  ref: 'WorkflowhelloRole',
  arn: 'arn:aws:iam::111122223333:role/wflo/dev/workflows/WorkflowhelloRole',
  properties: more,
});
const PolicyDocument = { Statement: [{ Effect: 'Allow', Action: 'ecs:RunTask', Resource: '*' }] };

it('policies in a role and beside it are of the same role, whatever its path', () => {
  const inline = policyStatements([role({ Policies: [{ PolicyName: 'own', PolicyDocument }] })]);
  const beside = policyStatements([
    role({}),
    {
      ...role({ Roles: ['WorkflowhelloRole'], PolicyDocument }),
      name: 'WorkflowhelloRoleDefaultPolicy',
      type: 'AWS::IAM::Policy',
    },
  ]);
  expect(inline).toHaveLength(1);
  expect(beside).toEqual(inline);
  expect(inline[0]).toMatchObject({ owner: 'Workflowhello', of: role({}).arn, actions: ['ecs:RunTask'] });
});
