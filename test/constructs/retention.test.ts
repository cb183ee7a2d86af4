import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { KEEP_PUBLISHED_SECONDS } from '../../lib/aws/dynamo-outbox-store.ts';
import { KEEP_SECONDS } from '../../lib/aws/dynamo-task-tokens.ts';
import { checkTimeouts } from '../../lib/constructs/deployment/check-timeouts.ts';
import type { Deployment } from '../../lib/constructs/deployment/deployment.ts';
import type { LoadedWorkflow } from '../../lib/project/workflows.ts';
import { type SynthesisedStage, synthesiseStage } from '../_helpers/synthesised-stage.ts';
import { compiled, definition, sandbox } from '../_helpers/workflow-samples.ts';

const DAY_SECONDS = 24 * 60 * 60;

let dev: SynthesisedStage;
let prod: SynthesisedStage;
beforeAll(async () => {
  dev = await synthesiseStage();
  prod = await synthesiseStage({ 'wflo:stage': 'prod' });
});

describe('the page on retention', () => {
  const page = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/guides/retention.md'), 'utf8');
  /** Cells of the rows below a heading of the second level whose first cell is code. */
  const rows = (heading: string): readonly (readonly string[])[] => {
    const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', ''))
          .slice(1, -1),
      );
  };
  const pairs = (heading: string) => Object.fromEntries(rows(heading).map(([name, value]) => [name, value]));

  it('has every table of the platform, and the attribute that expires its items', () => {
    const tables = dev.ofType('AWS::DynamoDB::Table').filter(({ stack }) => stack === 'data');
    expect(pairs('Tables')).toEqual(
      Object.fromEntries(
        tables.map(({ id, Properties }) => [
          id.replace(/[0-9A-F]{8}$/, ''),
          Properties.TimeToLiveSpecification?.AttributeName ?? '-',
        ]),
      ),
    );
    expect(page).toContain(`${KEEP_PUBLISHED_SECONDS / DAY_SECONDS} days after it was published`);
    expect(page).toContain(`${KEEP_SECONDS / DAY_SECONDS} days after the question`);
  });

  it('has every prefix of the artefact bucket that expires, with its days', () => {
    const [bucket] = dev.ofType('AWS::S3::Bucket');
    const rules: readonly { Prefix?: string; ExpirationInDays?: number }[] =
      bucket?.Properties.LifecycleConfiguration.Rules;
    const days = rules.flatMap(({ Prefix, ExpirationInDays }) =>
      ExpirationInDays === undefined ? [] : [[Prefix, String(ExpirationInDays)]],
    );
    expect(pairs('Artefact bucket')).toEqual({ ...Object.fromEntries(days), 'code/': '-' });
  });

  it('has every log group, with its days in dev and in other stages', () => {
    const told = rows('Logs');
    for (const [stage, name, column] of [
      [dev, 'dev', 1],
      [prod, 'prod', 2],
    ] as const) {
      const found = stage.ofType('AWS::Logs::LogGroup').map(({ Properties }) => {
        const group: string = Properties.LogGroupName;
        const row = told.find(([prefix = '']) => group.startsWith(prefix.replace('<stage>', name).replace('…', '')));
        return [group, String(Properties.RetentionInDays), row?.[column]];
      });
      expect(found.length).toBeGreaterThan(15);
      expect(found.filter(([, days, page]) => days !== page)).toEqual([]);
    }
  });

  it('has every queue, with its days', () => {
    const days = dev
      .ofType('AWS::SQS::Queue')
      .map(({ Properties }) => [
        Properties.QueueName.replace('-dev-', '-<stage>-'),
        String(Properties.MessageRetentionPeriod / DAY_SECONDS),
      ]);
    expect(pairs('Queues')).toEqual(Object.fromEntries(days));
  });
});

describe('the retention of a deployment', () => {
  it('is what functions that write records are told, and half of what the bucket keeps values for', async () => {
    const stage = await synthesiseStage({ 'wflo:retention-days': 500 });
    const told = stage
      .ofType('AWS::Lambda::Function')
      .map(({ Properties }) => Properties.Environment.Variables)
      .filter(({ STATE_TABLE, EVENTS_TABLE }) => STATE_TABLE !== undefined && EVENTS_TABLE !== undefined)
      .map(({ RETENTION_DAYS }) => RETENTION_DAYS);
    expect(told.length).toBeGreaterThan(10);
    expect(new Set(told)).toEqual(new Set(['500']));
    const [bucket] = stage.ofType('AWS::S3::Bucket');
    expect(bucket?.Properties.LifecycleConfiguration.Rules).toContainEqual({
      Id: 'forget-values',
      Status: 'Enabled',
      Prefix: 'blobs/',
      ExpirationInDays: 1000,
    });
  });

  const workflow = (name: string, days: number, seconds = 0): LoadedWorkflow => ({
    name,
    directory: `/project/${name}`,
    compiled: compiled(definition([sandbox('a')], { name, timeoutSeconds: days * DAY_SECONDS + seconds })),
  });
  const check = (retentionDays: number, ...workflows: LoadedWorkflow[]) =>
    checkTimeouts(workflows, { retentionDays } as Deployment);

  it('is 30 days more than the timeout of any workflow', () => {
    expect(() => check(100, workflow('short', 1), workflow('long', 70))).not.toThrow();
    expect(() => check(100, workflow('short', 1), workflow('long', 70, 1), workflow('longer', 90))).toThrow(
      expect.objectContaining({
        code: 'invalid_settings',
        message:
          'long: its timeout of 6048001 seconds is above the 6048000 (70 days) that wflo:retention-days = 100 allows\n' +
          'longer: its timeout of 7776000 seconds is above the 6048000 (70 days) that wflo:retention-days = 100 allows',
        fix: 'set wflo:retention-days to 120 or more, or give the workflow a shorter timeout',
      }),
    );
  });
});
