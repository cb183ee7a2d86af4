import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { footprintOf, UNCOUNTED_TYPES } from '../../lib/plan/footprint.ts';
import { type Plan, planDeployment } from '../../lib/plan/plan.ts';
import { PRICES } from '../../lib/plan/prices.ts';
import { SANDBOX_CONTAINER } from '../../lib/sandbox/protocol.ts';
import { synthesiseStage } from '../_helpers/synthesised-stage.ts';
import { temporaryFolder } from '../_helpers/temporary-folder.ts';
import { cli } from '../unit/cli/cli-harness.ts';

const root = resolve(import.meta.dirname, '../..');

/** A project without workflows whose `cdk.json` is this text, or has this context beside the flags of ours. */
function project(content: string | object): string {
  const folder = temporaryFolder();
  const ours = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { readonly context: object };
  const text = typeof content === 'string' ? content : JSON.stringify({ context: { ...ours.context, ...content } });
  writeFileSync(join(folder, 'cdk.json'), text);
  return folder;
}

describe('a plan', () => {
  let planned: Plan;
  beforeAll(async () => {
    planned = await planDeployment(root);
  });

  it.each(['private', 'open'] as const)('counts what the templates have: %s', async (network) => {
    const { resources } = await synthesiseStage({ 'wflo:network': network });
    const { endpointZones, firewallNames, keys, alarmMetrics, compositeAlarms, dashboards } = footprintOf(resources);
    expect(planned.fixed[network].items.map(({ what, count }) => [what, count])).toEqual([
      ['interface endpoints', endpointZones],
      ['names of the DNS firewall', firewallNames],
      ['keys', keys],
      ['alarms', alarmMetrics + compositeAlarms],
      ['dashboards', dashboards],
    ]);
    expect(keys).toBeGreaterThan(0);
    expect(alarmMetrics).toBeGreaterThan(0);
    expect(endpointZones > 0).toBe(network === 'private');
    // What is paid at rest and not counted must not come in unseen.
    const types: readonly string[] = UNCOUNTED_TYPES;
    expect(resources.filter(({ Type }) => types.includes(Type))).toEqual([]);
    // An alarm of a shorter period costs three times as much.
    for (const { Type, Properties } of resources) {
      if (Type === 'AWS::CloudWatch::Alarm' && Properties.Period !== undefined) {
        expect(Properties.Period).toBeGreaterThanOrEqual(60);
      }
    }
  });

  it('prices every task definition by what it says', async () => {
    const { ofType } = await synthesiseStage();
    const planSizes = planned.workflows.flatMap(({ steps }) =>
      steps.map(({ image, cpu, memoryMib }) => `wflo-dev-${image}-${cpu * 1024}-${memoryMib}`),
    );
    const definitions = ofType('AWS::ECS::TaskDefinition');
    expect([...new Set(planSizes)].sort()).toEqual(definitions.map(({ Properties }) => Properties.Family).sort());
    for (const { Properties } of definitions) {
      expect(Properties.ContainerDefinitions.map(({ Name }: { Name: string }) => Name)).toEqual([SANDBOX_CONTAINER]);
      // Storage beyond what is included would be paid.
      expect(Properties.EphemeralStorage?.SizeInGiB ?? PRICES.includedStorageGib).toBe(20);
    }
  });

  it('says what an attempt costs by the hour and at its limit, and an execution at most', () => {
    const hello = planned.workflows.find(({ workflow }) => workflow === 'hello');
    expect(hello?.steps).toHaveLength(1);
    for (const { steps, mostNanoUsd } of planned.workflows) {
      let most = 0;
      for (const { nanoUsdPerHour, nanoUsdAtLimit, timeoutSeconds, attempts } of steps) {
        expect(nanoUsdAtLimit).toBe(Math.ceil((nanoUsdPerHour * Math.max(60, timeoutSeconds)) / 3600));
        most += nanoUsdAtLimit * attempts;
      }
      expect(mostNanoUsd).toBe(most);
    }
  });

  it('follows the settings of the folder', async () => {
    const folder = project({ 'wflo:network': 'open', 'wflo:availability-zones': 1, 'wflo:architecture': 'ARM64' });
    const other = await planDeployment(folder, 'prod');
    expect(other).toMatchObject({ stage: 'prod', network: 'open', availabilityZones: 1, architecture: 'ARM64' });
    expect(other.workflows).toEqual([]);
    expect(other.fixed.private.items[0]).toMatchObject({ what: 'interface endpoints', count: 3 });
    expect(other.fixed.open.items[0]).toMatchObject({ what: 'interface endpoints', count: 0 });
  });
});

describe('wflo plan', () => {
  it('shows both modes side by side, and the steps', async () => {
    const { code, stdout, stderr } = await cli(['plan'], { projectDir: root });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^stage dev: network private, 2 availability zones, X86_64\n/);
    expect(stdout).toMatch(/interface endpoints +\$43\.80 for 6 +-\n/);
    expect(stdout).toMatch(/\n {2}greet +python +0\.25 vCPU, 512 MiB +\$0\.0123 /);
    expect(stdout).toContain('List prices of us-east-1');
    expect(stdout).not.toContain('not filtered');
  });

  it('says in open mode that egress is not filtered', async () => {
    const { stdout } = await cli(['plan'], { projectDir: project({ 'wflo:network': 'open' }) });
    expect(stdout).toContain('the egress of sandboxes is not filtered');
    expect(stdout).toContain('open (this one)');
  });

  it('is one JSON document of whole numbers', async () => {
    const { code, stdout } = await cli(['plan', '--json'], { projectDir: project({}) });
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as Plan;
    expect(document.fixed.private.nanoUsdPerMonth).toBeGreaterThan(document.fixed.open.nanoUsdPerMonth);
    expect(stdout).not.toMatch(/[Nn]anoUsd\w*": \d+\.\d/);
  });

  const refused = async (projectDir: string) => {
    const { code, stderr } = await cli(['plan', '--json'], { projectDir });
    return [code, (JSON.parse(stderr) as { error: { code: string } }).error.code];
  };

  it('tells what is wrong with the folder by its code', async () => {
    expect(await refused(temporaryFolder())).toEqual([2, 'usage']);
    expect(await refused(project('{'))).toEqual([1, 'malformed_json']);
    expect(await refused(project({ 'wflo:network': 'closed' }))).toEqual([1, 'invalid_settings']);
    expect(await refused(project({ 'wflo:sandbox-images': { node: '.' } }))).toEqual([1, 'invalid_image']);
  });

  it('tells a step whose image the deployment does not have', async () => {
    const folder = project({});
    mkdirSync(join(folder, 'state-machines', 'sample'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(
      join(folder, 'state-machines', 'sample', 'workflow.ts'),
      `import * as z from 'zod';
import { workflow } from '${join(root, 'lib/index.ts')}';
export default workflow('sample', { input: z.object({}) }, (w) => {
  w.sandbox('ask', { image: 'ruby', command: ['ruby'], effects: 'none' });
});
`,
    );
    expect(await refused(folder)).toEqual([1, 'unknown_image']);
  });
});
