import { describe, expect, it } from 'vitest';
import { comesFromElsewhere } from '../../../../lambdas/serve-sandbox-api/source-address.ts';
import { FakeSandboxTasks } from '../../../_helpers/fakes/fake-sandbox-tasks.ts';
import {
  CODE,
  claimBody,
  EXECUTION_ID,
  LEASE_ID,
  type Scene,
  STEP,
  sandboxScene,
  TASK,
  TASK_DEFINITION,
} from '../../../_helpers/sandbox-scene.ts';

async function taskAt(privateIpv4: string | undefined) {
  const address = privateIpv4 === undefined ? {} : { privateIpv4 };
  const task = await new FakeSandboxTasks().add({ taskArn: TASK, ...address }).describe(TASK);
  if (task === undefined) throw new Error('no task');
  return task;
}

describe('comesFromElsewhere', () => {
  it.each([
    ['10.66.1.9', '10.66.1.8'],
    ['172.16.0.1', '10.66.1.8'],
    ['172.31.255.255', '10.66.1.8'],
    ['192.168.0.1', '10.66.1.8'],
    ['10.66.1.80', '10.66.1.8'],
  ])('sees that %s in the VPC is not %s', async (sourceIp, privateIpv4) => {
    expect(comesFromElsewhere(sourceIp, await taskAt(privateIpv4))).toBe(true);
  });

  it.each([
    ['the address of the task', '10.66.1.8', '10.66.1.8'],
    ['no address of the call', undefined, '10.66.1.8'],
    ['no address of the task', '10.66.1.9', undefined],
    ['a public address', '203.0.113.7', '10.66.1.8'],
    ['the first address below a private range', '172.15.255.255', '10.66.1.8'],
    ['the first address above a private range', '172.32.0.1', '10.66.1.8'],
    ['an address that only ends as a private one', '110.0.0.1', '10.66.1.8'],
    ['an address of IPv6', '2001:db8::1', '10.66.1.8'],
  ])('says nothing with %s', async (_what, sourceIp, privateIpv4) => {
    expect(comesFromElsewhere(sourceIp, await taskAt(privateIpv4))).toBe(false);
  });
});

describe('the source address of a claim', () => {
  async function sceneAt(privateIpv4: string): Promise<Scene> {
    const scene = await sandboxScene();
    const environment = { WFLO_LEASE: LEASE_ID };
    scene.tasks.add({ taskArn: TASK, taskDefinitionArn: TASK_DEFINITION, environment, privateIpv4 });
    return scene;
  }

  it('that is another than the task has is told, and refuses nothing', async () => {
    const scene = await sceneAt('10.66.1.8');
    expect(await scene.call('claim', claimBody(), undefined, '10.66.1.9')).toMatchObject({ status: 200 });
    expect(scene.counted).toEqual(['ClaimSourceDiffers']);
    expect(scene.noticed).toEqual([
      {
        what: 'a claim came from another address than its task has',
        details: {
          ...{ executionId: EXECUTION_ID, path: STEP, attempt: 1, taskArn: TASK },
          ...{ sourceIp: '10.66.1.9', privateIpv4: '10.66.1.8' },
        },
      },
    ]);
    expect(JSON.stringify(scene.noticed)).not.toContain(CODE);
  });

  it.each([['10.66.1.8'], ['203.0.113.7'], [undefined]])('%s is not told', async (sourceIp) => {
    const scene = await sceneAt('10.66.1.8');
    expect(await scene.call('claim', claimBody(), undefined, sourceIp)).toMatchObject({ status: 200 });
    expect([scene.counted, scene.noticed]).toEqual([[], []]);
  });

  it('is not looked at for who does not show the code', async () => {
    const scene = await sceneAt('10.66.1.8');
    const body = claimBody({ code: 'another-code-of-32-random-bytes-x' });
    expect(await scene.call('claim', body, undefined, '10.66.1.9')).toMatchObject({ status: 403 });
    expect(scene.counted).toEqual(['ClaimRefused']);
  });
});
