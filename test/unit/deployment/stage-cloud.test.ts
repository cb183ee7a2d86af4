import { describe, expect, it } from 'vitest';
import { awsStageCloud } from '../../../lib/deployment/aws/stage-cloud.ts';
import { awsStageData } from '../../../lib/deployment/aws/stage-data.ts';
import { awsError } from '../../_helpers/scripted-aws.ts';
import { type Answers, scriptedAccount, type xml, xmlError, xmlResult } from './scripted-account.ts';

const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:wflo-prod-report';
const VERSION = 'arn:aws:lambda:us-east-1:123456789012:function:wflo-prod-step-report-write:3';
const REVISION = 'arn:aws:ecs:us-east-1:123456789012:task-definition/wflo-prod-python-256-512:2';
const ROLE = 'arn:aws:iam::123456789012:role/wflo/prod/workflows/one';

function account(answers: Answers) {
  const { calls, settings } = scriptedAccount(answers);
  return { calls, cloud: awsStageCloud('prod', settings), data: awsStageData(settings, 1) };
}

describe('the state machines of a stage', () => {
  const answers: Answers = {
    'states:ListStateMachines': {
      body: {
        stateMachines: [
          { name: 'wflo-prod-report', stateMachineArn: MACHINE, creationDate: 1_767_225_600 },
          { name: 'wflo-production-report', stateMachineArn: 'other', creationDate: 1_767_225_600 },
        ],
      },
    },
    'states:ListExecutions': ({ nextToken }) => ({
      body:
        nextToken === undefined
          ? { executions: [{ executionArn: 'one' }], nextToken: 'more' }
          : { executions: [{ executionArn: 'two' }] },
    }),
    'states:DescribeStateMachine': { body: { definition: `{"F":"${VERSION}"}`, roleArn: ROLE } },
    'states:DescribeStateMachineForExecution': ({ executionArn }) => ({
      body: { definition: executionArn === 'one' ? `{"T":"${REVISION}"}` : '{}', roleArn: `${ROLE}-old` },
    }),
  };

  it('are read with every page of what is open, and each with the definition that it goes on with', async () => {
    const [machine, ...others] = await account(answers).cloud.machines();
    expect(others).toEqual([]);
    expect(machine).toMatchObject({ workflow: 'report', arn: MACHINE, names: { versions: [VERSION], roles: ['one'] } });
    expect(machine?.open.map(({ revisions, roles }) => [revisions, roles])).toEqual([
      [[REVISION], ['one-old']],
      [[], ['one-old']],
    ]);
  });

  it('are not known where a definition cannot be read', async () => {
    for (const answer of [awsError('KmsAccessDeniedException'), { body: { definition: '', roleArn: ROLE } }]) {
      const { cloud } = account({ ...answers, 'states:DescribeStateMachineForExecution': answer });
      await expect(cloud.machines()).rejects.toThrow();
    }
  });

  it('do not hold one that was deleted meanwhile', async () => {
    const { cloud } = account({ ...answers, 'states:ListExecutions': awsError('StateMachineDoesNotExist') });
    expect(await cloud.machines()).toEqual([]);
  });
});

describe('removing', () => {
  it('a version names function and number, so that the function itself is never meant', async () => {
    const { cloud, calls } = account({
      'lambda:DELETE /2015-03-31/functions/wflo-prod-step-report-write': { status: 204 },
    });
    await cloud.remove({ kind: 'function_version', id: VERSION });
    expect(calls).toEqual(['lambda:DELETE /2015-03-31/functions/wflo-prod-step-report-write Qualifier=3']);
    const unqualified = VERSION.slice(0, -2);
    await expect(cloud.remove({ kind: 'function_version', id: unqualified })).rejects.toThrow('is not the ARN of a');
    expect(calls).toHaveLength(1);
  });

  it('a role first removes its inline policies', async () => {
    const { cloud, calls } = account({
      'iam:ListRolePolicies': xmlResult('ListRolePolicies', '<PolicyNames><member>own</member></PolicyNames>'),
      'iam:DeleteRolePolicy': xmlResult('DeleteRolePolicy', ''),
      'iam:DeleteRole': xmlResult('DeleteRole', ''),
    });
    await cloud.remove({ kind: 'role', id: 'one' });
    expect(calls).toEqual([
      'iam:ListRolePolicies RoleName=one',
      'iam:DeleteRolePolicy RoleName=one PolicyName=own',
      'iam:DeleteRole RoleName=one',
    ]);
  });

  it('what is gone already is no error', async () => {
    const gone = xmlError('NoSuchEntity', 'no such role', 404);
    const { cloud } = account({
      'iam:ListRolePolicies': gone,
      'iam:DeleteRole': gone,
      'logs:DeleteLogGroup': awsError('ResourceNotFoundException'),
      'states:DeleteStateMachine': {},
      'states:DescribeStateMachine': awsError('StateMachineDoesNotExist'),
    });
    await cloud.remove({ kind: 'role', id: 'one' });
    await cloud.remove({ kind: 'log_group', id: '/wflo/prod/step-report-write' });
    await cloud.remove({ kind: 'state_machine', id: MACHINE });
  });
});

describe('the stacks of a stage', () => {
  it('are those that are there, with the time of the last deployment of the workflows', async () => {
    const { cloud } = account({
      'cloudformation:DescribeStacks': ({ StackName }) =>
        StackName === 'WfloWorkflows-prod'
          ? xmlResult(
              'DescribeStacks',
              '<Stacks><member><StackId>arn:w</StackId><StackName>w</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><LastUpdatedTime>2026-02-01T00:00:00Z</LastUpdatedTime><StackStatus>UPDATE_COMPLETE</StackStatus></member></Stacks>',
            )
          : xmlError('ValidationError', `Stack with id ${StackName} does not exist`),
      'cloudformation:ListStackResources': xmlResult(
        'ListStackResources',
        `<StackResourceSummaries><member><ResourceType>AWS::Lambda::Version</ResourceType><PhysicalResourceId>${VERSION}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member><member><ResourceType>AWS::IAM::Role</ResourceType><PhysicalResourceId>old</PhysicalResourceId><ResourceStatus>DELETE_SKIPPED</ResourceStatus></member></StackResourceSummaries>`,
      ),
    });
    expect(await cloud.stacks()).toEqual({
      arns: ['arn:w'],
      deployedAt: new Date('2026-02-01T00:00:00Z'),
      resources: [{ stack: 'WfloWorkflows-prod', type: 'AWS::Lambda::Version', id: VERSION }],
    });
    expect(await cloud.skipped(['arn:w'])).toEqual([{ stack: 'arn:w', type: 'AWS::IAM::Role', id: 'old' }]);
  });

  it('are not known where CloudFormation refuses', async () => {
    const { cloud } = account({ 'cloudformation:DescribeStacks': xmlError('AccessDenied', 'not authorized', 403) });
    await expect(cloud.stacks()).rejects.toThrow('not authorized');
  });
});

describe('deleting the data of a stage', () => {
  it('unprotects a table, waits until it may be deleted, and until it is gone', async () => {
    const states = [
      { Table: { TableStatus: 'ACTIVE', DeletionProtectionEnabled: true } },
      { Table: { TableStatus: 'UPDATING' } },
      { Table: { TableStatus: 'ACTIVE' } },
      { Table: { TableStatus: 'DELETING' } },
    ];
    const { data, calls } = account({
      'dynamodb:DescribeTable': () => {
        const next = states.shift();
        return next === undefined ? awsError('ResourceNotFoundException') : { body: next };
      },
      'dynamodb:UpdateTable': {},
      'dynamodb:DeleteTable': {},
    });
    await data.deleteTable('state');
    expect(calls.map((call) => call.split(' ')[0])).toEqual([
      'dynamodb:DescribeTable',
      'dynamodb:UpdateTable',
      'dynamodb:DescribeTable',
      'dynamodb:DescribeTable',
      'dynamodb:DeleteTable',
      'dynamodb:DescribeTable',
      'dynamodb:DescribeTable',
    ]);
  });

  it('takes a bucket that is gone for empty', async () => {
    const { data } = scriptedBucket(xmlError('NoSuchBucket', 'gone', 404));
    await data.emptyBucket('artefacts');
  });
});

function scriptedBucket(answer: ReturnType<typeof xml>) {
  return account({ 'artefacts:GET /': answer });
}
