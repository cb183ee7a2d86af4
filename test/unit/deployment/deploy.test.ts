import { describe, expect, it } from 'vitest';
import { deployStage } from '../../../lib/deployment/deploy.ts';
import type { Inventory } from '../../../lib/deployment/inventory.ts';
import { aMachine, FakeStageCloud, LONG_AGO, machineArn, names } from '../../_helpers/fakes/fake-stage-cloud.ts';

const OPEN = names({ roles: ['old-role'] });
const managed = (stage: string, ...workflows: string[]) => ({
  arns: [],
  deployedAt: LONG_AGO,
  resources: workflows.map((workflow) => ({
    stack: `WfloWorkflows-${stage}`,
    type: 'AWS::StepFunctions::StateMachine',
    id: machineArn(workflow, stage),
  })),
});

function scene(inventory: Partial<Inventory>, workflows: readonly string[], stage = 'prod') {
  const cloud = new FakeStageCloud(inventory, workflows);
  const calls: string[][] = [];
  const notes: string[] = [];
  return {
    cloud,
    calls,
    notes,
    deploy: (project: readonly string[], cdk: () => number | null = () => 0) =>
      deployStage({ projectDir: '/project', report: () => {}, note: (text) => notes.push(text), stage }, project, {
        cloud,
        runCdk: async (args) => {
          calls.push([...args]);
          return cdk();
        },
        now: () => new Date('2026-11-26T12:00:00.000Z'),
      }),
  };
}

describe('a deployment', () => {
  it('deploys with the pinned CDK and then removes what earlier ones left', async () => {
    const on = scene(
      {
        stacks: managed('prod', 'report'),
        machines: [aMachine('report')],
        roles: [{ name: 'old-role', at: LONG_AGO }],
      },
      ['report'],
    );
    expect(await on.deploy(['report'])).toMatchObject({
      stage: 'prod',
      workflows: ['report'],
      retained: [],
      leftovers: { removed: [{ kind: 'role', id: 'old-role' }], failed: [], problem: null },
    });
    expect(on.calls).toEqual([['deploy', '--all', '-c', 'wflo:stage=prod', '--require-approval', 'broadening']]);
  });

  it('that fails removes nothing', async () => {
    const on = scene({ roles: [{ name: 'old-role', at: LONG_AGO }] }, []);
    await expect(on.deploy([], () => 1)).rejects.toMatchObject({ code: 'deploy_failed' });
    expect(on.cloud.removed).toEqual([]);
  });

  it('keeps what was named until it began, although its definitions no longer do', async () => {
    const on = scene(
      {
        stacks: managed('prod', 'report'),
        machines: [aMachine('report', { names: OPEN })],
        roles: [{ name: 'old-role', at: LONG_AGO }],
      },
      ['report'],
    );
    const replace = () => {
      on.cloud.inventory = { ...on.cloud.inventory, stacks: managed('prod', 'report'), machines: [aMachine('report')] };
      return 0;
    };
    expect((await on.deploy(['report'], replace)).leftovers.removed).toEqual([]);
  });

  it('removes nothing where it cannot read everything, says so, and is a success', async () => {
    for (const method of ['stacks', 'machines', 'functions', 'roles', 'revisions', 'logGroups', 'code'] as const) {
      const on = scene({ roles: [{ name: 'old-role', at: LONG_AGO }] }, []);
      const breakNow = () => {
        on.cloud.refuse = { [method]: new Error('not authorized') };
        return 0;
      };
      expect((await on.deploy([], breakNow)).leftovers).toEqual({ removed: [], failed: [], problem: 'not authorized' });
      expect(on.cloud.removed).toEqual([]);
    }
  });

  it('goes on where what was there before cannot be read, and then removes nothing', async () => {
    const on = scene({ roles: [{ name: 'old-role', at: LONG_AGO }] }, []);
    on.cloud.refuse = { roles: new Error('not authorized') };
    const recover = () => {
      on.cloud.refuse = {};
      return 0;
    };
    expect((await on.deploy([], recover)).leftovers.problem).toBe('what was deployed before could not be read');
    expect(on.notes).toEqual(['what earlier deployments left is not looked for: not authorized']);
    expect(on.cloud.removed).toEqual([]);
  });

  it('tells what it could not remove; the next one does it', async () => {
    const on = scene({ roles: ['one', 'two'].map((name) => ({ name, at: LONG_AGO })) }, []);
    on.cloud.refuseRemoval = ({ id }) => (id === 'one' ? new Error('in use') : undefined);
    expect((await on.deploy([])).leftovers).toEqual({
      removed: [{ kind: 'role', id: 'two' }],
      failed: [{ kind: 'role', id: 'one', reason: 'in use' }],
      problem: null,
    });
    on.cloud.refuseRemoval = () => undefined;
    expect((await on.deploy([])).leftovers.removed).toEqual([{ kind: 'role', id: 'one' }]);
  });
});

describe('a workflow that leaves the project with open executions', () => {
  const inventory = (stage: string) => ({
    stacks: managed(stage, 'report'),
    machines: [aMachine('report', { open: [OPEN, OPEN] }, stage)],
  });

  it('is retained outside dev, and the result says so', async () => {
    const on = scene(inventory('prod'), ['report']);
    expect((await on.deploy([])).retained).toEqual([{ workflow: 'report', open: 2 }]);
    expect(on.notes).toEqual(['retained until their executions have ended: report (2 open)']);
    expect(on.calls).toHaveLength(1);
  });

  it('is refused in dev before anything is done', async () => {
    const on = scene(inventory('dev'), ['report'], 'dev');
    await expect(on.deploy([])).rejects.toMatchObject({
      code: 'workflow_in_use',
      details: { workflows: [{ workflow: 'report', open: 2 }] },
    });
    expect([on.calls, on.cloud.removed]).toEqual([[], []]);
  });

  it('is refused in dev where nobody can tell', async () => {
    const on = scene(inventory('dev'), ['report'], 'dev');
    on.cloud.refuse = { machines: new Error('throttled') };
    await expect(on.deploy([])).rejects.toMatchObject({ code: 'deploy_failed' });
    expect(on.calls).toEqual([]);
  });

  it('goes in dev when it has none', async () => {
    const on = scene(
      { stacks: managed('dev', 'report'), machines: [aMachine('report', {}, 'dev')] },
      ['report'],
      'dev',
    );
    expect((await on.deploy([])).retained).toEqual([]);
  });
});

describe('a workflow that comes back', () => {
  it('is refused while executions of the retained one are open', async () => {
    const on = scene({ machines: [aMachine('report', { open: [OPEN] })] }, []);
    await expect(on.deploy(['report'])).rejects.toMatchObject({
      code: 'workflow_retained',
      details: { workflows: [{ workflow: 'report', open: 1 }] },
    });
    expect([on.calls, on.cloud.removed]).toEqual([[], []]);
  });

  it('has its names freed before CloudFormation makes them', async () => {
    const on = scene({ machines: [aMachine('report')] }, []);
    let goneWhenDeployed = false;
    await on.deploy(['report'], () => {
      goneWhenDeployed = on.cloud.inventory.machines.length === 0;
      return 0;
    });
    expect(goneWhenDeployed).toBe(true);
  });
});

describe('a step that comes back', () => {
  const fn = { name: 'wflo-prod-step-report-write', at: LONG_AGO, role: 'role', versions: [] };

  it('has its name freed before CloudFormation makes its function, however new the deployment before is', async () => {
    const on = scene(
      {
        stacks: { ...managed('prod', 'report'), deployedAt: new Date('2026-11-26T11:59:00.000Z') },
        machines: [aMachine('report')],
        functions: [fn],
      },
      ['report'],
    );
    let left: number | undefined;
    await on.deploy(['report'], () => {
      left = on.cloud.inventory.functions.length;
      return 0;
    });
    expect(left).toBe(0);
    expect(on.cloud.removed).toContainEqual({ kind: 'function', id: fn.name });
  });

  it('leaves the function to the execution that still names it', async () => {
    const version = 'arn:aws:lambda:eu-central-1:123456789012:function:wflo-prod-step-report-write:1';
    const on = scene(
      {
        stacks: managed('prod', 'report'),
        machines: [aMachine('report', { open: [names({ versions: [version] })] })],
        functions: [{ ...fn, versions: [{ arn: version, at: LONG_AGO, role: 'role' }] }],
      },
      ['report'],
    );
    await on.deploy(['report']);
    expect(on.cloud.removed).toEqual([]);
  });
});
