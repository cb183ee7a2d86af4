import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { synthesiseStage } from '../_helpers/synthesised-stage.ts';

const page = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/guides/operating.md'), 'utf8');
/** Names of alarms in the first column of its tables, where each stands with what to do. */
const explained = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) =>
    [...(line.split(' | ')[0] ?? '').matchAll(/`([\w-]+(?:<workflow>)?)`/g)].map(([, name = '']) => name),
  );

it('explains every alarm of a stage, and no other', async () => {
  const stage = await synthesiseStage();
  const alarms = stage.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.AlarmName);
  // One row for the alarms that each workflow has.
  const ofWorkflows = stage
    .ofType('AWS::StepFunctions::StateMachine')
    .map(({ Properties }) => String(Properties.StateMachineName).replace('wflo-dev-', ''))
    .map((name) => ['-<workflow>', `-${name}`] as const);
  const expected = explained.flatMap((name) =>
    name.endsWith('-<workflow>') ? ofWorkflows.map(([any, one]) => name.replace(any, one)) : [name],
  );
  expect(expected.map((name) => `wflo-dev-${name}`).sort()).toEqual(alarms.sort());
});
