import { describe, expect, it } from 'vitest';
import { destroyStage } from '../../../lib/deployment/destroy.ts';
import type { StackResource } from '../../../lib/deployment/inventory.ts';
import type { StageData } from '../../../lib/deployment/stage-data.ts';
import { aMachine, FakeStageCloud, LONG_AGO, names } from '../../_helpers/fakes/fake-stage-cloud.ts';

function scene(stage = 'prod') {
  const arn = (stack: string) => `arn:aws:cloudformation:eu-central-1:123456789012:stack/${stack}-${stage}/id`;
  const data = (type: string, id: string): StackResource => ({ stack: `WfloData-${stage}`, type, id });
  const own = [
    data('AWS::S3::Bucket', 'artefacts'),
    data('AWS::DynamoDB::Table', 'state'),
    data('AWS::DynamoDB::Table', 'audit'),
    data('AWS::Events::EventBus', `wflo-${stage}`),
    data('AWS::KMS::Key', 'data-key'),
  ];
  const cloud = new FakeStageCloud({
    stacks: {
      arns: ['WfloData', 'WfloNetwork', 'WfloPlatform', 'WfloWorkflows', 'WfloObservability'].map(arn),
      resources: own,
      deployedAt: LONG_AGO,
    },
    machines: [aMachine('report', {}, stage)],
    roles: [{ name: 'one', at: LONG_AGO }],
    logGroups: [{ name: `/wflo/${stage}/sandbox`, at: LONG_AGO }],
  });
  const log: string[] = [];
  const done = (what: string) => async (id: string) => {
    log.push(`${what} ${id}`);
  };
  const stageData: StageData = {
    emptyBucket: done('empty'),
    deleteBucket: done('delete bucket'),
    deleteTable: done('delete table'),
    deleteEventBus: done('delete bus'),
  };
  let looks = 0;
  return {
    cloud,
    log,
    arn,
    own,
    looks: () => looks,
    destroy: (deleteData = false, cdk: (stacks: string) => number | null = () => 0, onPause = () => {}) =>
      destroyStage(
        { projectDir: '/project', report: () => {}, note: () => {}, stage, deleteData },
        {
          cloud,
          data: stageData,
          runCdk: async (args) => {
            log.push(args.join(' '));
            return cdk(args.join(' '));
          },
          pause: async () => {
            looks += 1;
            onPause();
          },
        },
      ),
  };
}

describe('destroying a stage', () => {
  it('takes away the stacks but the one with data, then what they left, and says what stays', async () => {
    const on = scene();
    on.cloud.skippedResources = [
      { stack: 'w', type: 'AWS::IAM::Role', id: 'one' },
      { stack: 'w', type: 'AWS::DynamoDB::Table', id: 'records-of-a-workflow' },
      { stack: 'w', type: 'Custom::CodeCopy', id: 'copy' },
    ];
    expect(await on.destroy()).toMatchObject({
      dataDeleted: false,
      removed: [{ kind: 'state_machine' }, { kind: 'log_group' }, { kind: 'role', id: 'one' }],
      stays: [
        { type: 'AWS::CloudFormation::Stack', id: 'WfloData-prod' },
        { type: 'AWS::DynamoDB::Table', id: 'records-of-a-workflow' },
      ],
    });
    expect(on.log).toEqual([
      'destroy WfloObservability-prod WfloWorkflows-prod WfloPlatform-prod WfloNetwork-prod --exclusively --force -c wflo:stage=prod',
    ]);
  });

  it('is refused while anything is open, before anything is done', async () => {
    const on = scene();
    on.cloud.inventory = { ...on.cloud.inventory, machines: [aMachine('report', { open: [names({})] })] };
    await expect(on.destroy(true)).rejects.toMatchObject({
      code: 'stage_in_use',
      details: { workflows: [{ workflow: 'report', open: 1 }] },
    });
    expect([on.log, on.cloud.removed]).toEqual([[], []]);
  });

  it('looks again: what was cancelled a moment ago is listed as running for some seconds', async () => {
    const on = scene();
    on.cloud.inventory = { ...on.cloud.inventory, machines: [aMachine('report', { open: [names({})] })] };
    await on.destroy(
      false,
      () => 0,
      () => {
        on.cloud.inventory = { ...on.cloud.inventory, machines: [] };
      },
    );
    expect(on.looks()).toBe(1);
  });

  it('stops where CDK fails, and where something cannot be removed; repeated, it goes on with the rest', async () => {
    const on = scene();
    await expect(on.destroy(true, () => 1)).rejects.toMatchObject({ code: 'destroy_failed' });
    expect(on.cloud.removed).toEqual([]);
    on.cloud.refuseRemoval = ({ kind }) => (kind === 'role' ? new Error('in use') : undefined);
    await expect(on.destroy(true)).rejects.toMatchObject({
      code: 'destroy_failed',
      details: { failed: [{ kind: 'role', id: 'one', reason: 'in use' }] },
    });
    expect(on.log.filter((line) => line.includes('WfloData') || line.startsWith('delete'))).toEqual([]);
    on.cloud.refuseRemoval = () => undefined;
    expect((await on.destroy(true)).removed.filter(({ kind }) => kind === 'role')).toEqual([
      { kind: 'role', id: 'one' },
    ]);
  });

  it('deletes the data before the stack that tells of it, and leaves the keys', async () => {
    const on = scene();
    on.cloud.skippedResources = on.own;
    expect(await on.destroy(true)).toMatchObject({
      dataDeleted: true,
      stays: [{ type: 'AWS::KMS::Key', id: 'data-key' }],
    });
    expect(on.log.slice(1)).toEqual([
      'empty artefacts',
      'delete bucket artefacts',
      'delete table state',
      'delete table audit',
      'delete bus wflo-prod',
      'destroy WfloData-prod --exclusively --force -c wflo:stage=prod',
    ]);
  });

  it('in dev only empties the bucket: CloudFormation deletes the rest', async () => {
    const on = scene('dev');
    await on.destroy(true);
    expect(on.log.slice(1)).toEqual([
      'empty artefacts',
      'destroy WfloData-dev --exclusively --force -c wflo:stage=dev',
    ]);
  });

  it('without data deletes none of it', async () => {
    const on = scene();
    await on.destroy();
    expect(on.log.filter((line) => /WfloData|^empty|^delete/.test(line))).toEqual([]);
  });
});
