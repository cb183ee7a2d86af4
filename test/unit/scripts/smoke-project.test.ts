import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { layOutSmokeProject } from '../../../scripts/smoke/project.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Where the workflows of an edition come from, by name. */
function layOut(edition: 'first' | 'changed', projectDir: string): Record<string, string> {
  layOutSmokeProject(edition, projectDir);
  const machines = join(projectDir, 'state-machines');
  return Object.fromEntries(
    readdirSync(machines).map((name) => [name, relative(root, realpathSync(join(machines, name)))]),
  );
}

it('the project of the smoke run is in the private network, and its second edition changes the gate alone', () => {
  const projectDir = temporaryFolder();
  const first = layOut('first', projectDir);
  expect(first).toEqual({
    hello: 'state-machines/hello',
    'smoke-deadline': 'scripts/smoke/workflows/smoke-deadline',
    'smoke-gate': 'scripts/smoke/workflows/smoke-gate',
    'smoke-patience': 'scripts/smoke/workflows/smoke-patience',
    'smoke-probe': 'scripts/smoke/workflows/smoke-probe',
  });
  expect(layOut('changed', projectDir)).toEqual({ ...first, 'smoke-gate': 'scripts/smoke/changed/smoke-gate' });
  for (const file of ['workflow.ts', 'functions/act.ts']) {
    const [before, after] = ['workflows', 'changed'].map((folder) =>
      readFileSync(join(root, 'scripts/smoke', folder, 'smoke-gate', file), 'utf8'),
    );
    expect(before, file).not.toBe(after);
  }
  const { context } = JSON.parse(readFileSync(join(projectDir, 'cdk.json'), 'utf8'));
  expect(context).toMatchObject({ 'wflo:network': 'private', 'wflo:images': 'assets' });
});
