import { describe, expect, it } from 'vitest';
import { nameOf } from '../../_helpers/permissions/literals.ts';
import { type DeployedNames, normalise, type Recorded } from '../../_helpers/recorded-calls/recorded.ts';

const names: DeployedNames = {
  roles: new Map([
    ['WfloPlatform-dev-ReconcileRole0A1B2C3D-5BC0C88C53762', 'ReconcileRole0A1B2C3D'],
    ['WfloWorkflows-dev-WorkflowhelloStepactRole', 'WorkflowhelloStepactRole0A1B2C3D'],
    ['WfloWorkflows-dev-WorkflowgatedStepactRole', 'WorkflowgatedStepactRole0A1B2C3D'],
  ]),
  tables: new Map([['WfloData-dev-State1C20CC9A-7D064865F7F90', 'State1C20CC9A']]),
  buckets: new Map([['wflodata-dev-artefactsc012e42a-0765b6ad82833', 'ArtefactsC012E42A']]),
};
const call = (action: string, resource: string, more: Partial<Recorded> = {}): Recorded => ({
  role: 'WfloPlatform-dev-ReconcileRole0A1B2C3D-5BC0C88C53762',
  action,
  resource,
  presigned: false,
  allowed: true,
  ...more,
});
const local = (service: string, tail: string) => `arn:aws:${service}:us-east-1:000000000000:${tail}`;
const aws = (service: string, tail: string) => `arn:aws:${service}:eu-central-1:111122223333:${tail}`;

describe('a recorded call', () => {
  it.each([
    [
      'dynamodb:Query',
      local('dynamodb', 'table/WfloData-dev-State1C20CC9A-7D064865F7F90/index/byCheck'),
      aws('dynamodb', 'table/State/index/byCheck'),
    ],
    [
      's3:GetObject',
      'arn:aws:s3:::wflodata-dev-artefactsc012e42a-0765b6ad82833/blobs/hello:1/input',
      'arn:aws:s3:::artefacts/blobs/any',
    ],
    ['s3:ListBucket', 'arn:aws:s3:::wflodata-dev-artefactsc012e42a-0765b6ad82833', 'arn:aws:s3:::artefacts'],
    [
      's3:GetObject',
      'arn:aws:s3:::cdk-hnb659fds-assets-000000000000-us-east-1/0123.gz',
      'arn:aws:s3:::cdk-hnb659fds-assets-111122223333-eu-central-1/any',
    ],
    ['ecs:StopTask', local('ecs', 'task/wflo-dev/0123'), aws('ecs', 'task/wflo-dev/id')],
    [
      'states:StopExecution',
      local('states', 'execution:wflo-dev-gated:1'),
      aws('states', 'execution:wflo-dev-any:any'),
    ],
    [
      'states:SendTaskSuccess',
      local('states', 'stateMachine:wflo-dev-gated'),
      aws('states', 'stateMachine:wflo-dev-any'),
    ],
    [
      'logs:PutLogEvents',
      local('logs', 'log-group:/wflo/dev/sandbox:log-stream:hello/1/greet/1'),
      aws('logs', 'log-group:/wflo/dev/sandbox:log-stream:any'),
    ],
  ])('%s has the names of the templates and no ids', (action, made, known) => {
    expect(normalise([call(action, made)], names)).toEqual([`ReconcileRole ${action} ${known}`]);
  });

  it('is there once, in order, and tells whether a URL was used', () => {
    const task = (id: string) => call('ecs:StopTask', local('ecs', `task/wflo-dev/${id}`));
    const object = 'arn:aws:s3:::wflodata-dev-artefactsc012e42a-0765b6ad82833/uploads/x';
    expect(normalise([call('s3:PutObject', object, { presigned: true }), task('1'), task('2')], names)).toEqual([
      `ReconcileRole ecs:StopTask ${aws('ecs', 'task/wflo-dev/id')}`,
      'ReconcileRole s3:PutObject arn:aws:s3:::artefacts/uploads/any by a URL',
    ]);
  });

  it('is left out where it was refused, or is of no role or function of this project', () => {
    const invoked = (name: string) => call('lambda:InvokeFunction', local('lambda', `function:${name}`));
    const calls = [
      call('ecs:StopTask', local('ecs', 'task/wflo-dev/1'), { allowed: false }),
      call('ecs:StopTask', local('ecs', 'task/wflo-dev/1'), { role: 'cdk-deploy-role' }),
      call('dynamodb:Scan', '*', { role: 'WfloWorkflows-dev-WorkflowgatedStepactRole' }),
      invoked('wflo-dev-step-gated-act'),
      call('dynamodb:Scan', '*', { role: 'WfloWorkflows-dev-WorkflowhelloStepactRole' }),
      invoked('wflo-dev-step-hello-act'),
    ];
    expect(normalise(calls, names)).toEqual([
      `ReconcileRole lambda:InvokeFunction ${aws('lambda', 'function:wflo-dev-step-hello-act')}`,
      'WorkflowhelloStepactRole dynamodb:Scan *',
    ]);
  });
});

it('a role keeps its name when what it may do changes', () => {
  for (const id of ['WorkflowhelloRole0A1B2C3D', 'WorkflowhelloRole3f2a9c0d1e0A1B2C3D', 'WorkflowhelloRole3F2A9C0D1E'])
    expect(nameOf(id)).toBe('WorkflowhelloRole');
});
