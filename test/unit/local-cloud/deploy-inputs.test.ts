import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashDeployInputs, projectInputs } from '../../../lib/local-cloud/deploy-inputs.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

function write(folder: string, files: { readonly [path: string]: string }): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function project(): string {
  const folder = temporaryFolder();
  write(folder, {
    'cdk.json': '{}',
    'state-machines/hello/workflow.ts': 'one',
    'state-machines/hello/agent/main.py': 'print()',
    'state-machines/hello/README.md': 'a prompt, for all we know',
    'shared/prompts.ts': 'x',
    'node_modules/.package-lock.json': '{}',
  });
  return folder;
}

const hashOf = (folder: string, configuration = {}) => hashDeployInputs(folder, configuration, { packageDir: folder });

describe('the hash of what a deployment is made from', () => {
  it('stays while nothing changes, whatever the order of the configuration', async () => {
    const folder = project();
    expect(await hashOf(folder, { a: '1', b: '2' })).toBe(await hashOf(folder, { b: '2', a: '1' }));
  });

  it.each([
    ['a workflow', (f: string) => write(f, { 'state-machines/hello/workflow.ts': 'two' })],
    ['text beside a workflow', (f: string) => write(f, { 'state-machines/hello/README.md': 'another' })],
    ['a folder that nobody foresaw', (f: string) => write(f, { 'shared/prompts.ts': 'y' })],
    ['a new file', (f: string) => write(f, { 'state-machines/hello/agent/more.py': '' })],
    ['a removed file', (f: string) => rmSync(join(f, 'state-machines/hello/agent/main.py'))],
    ['a file that became a program', (f: string) => chmodSync(join(f, 'state-machines/hello/agent/main.py'), 0o755)],
    ['an installed package', (f: string) => write(f, { 'node_modules/.package-lock.json': '{"a":1}' })],
  ])('changes with %s', async (_what, change) => {
    const folder = project();
    const before = await hashOf(folder);
    change(folder);
    expect(await hashOf(folder)).not.toBe(before);
  });

  it('changes with a file that the settings name, in whatever folder', async () => {
    const folder = project();
    write(folder, { 'docs/prices.json': '{}' });
    const named = () => hashDeployInputs(folder, {}, { files: ['docs/prices.json'], packageDir: folder });
    const before = await named();
    write(folder, { 'docs/prices.json': '{"models":[]}' });
    expect(await named()).not.toBe(before);
  });

  it('changes with the configuration, and with the package that the project uses', async () => {
    const folder = project();
    expect(await hashOf(folder, { stage: 'a' })).not.toBe(await hashOf(folder, { stage: 'b' }));
    const wflo = temporaryFolder();
    write(wflo, { 'lib/index.ts': 'one' });
    const before = await hashDeployInputs(folder, {}, { packageDir: wflo });
    write(wflo, { 'lib/index.ts': 'two' });
    expect(await hashDeployInputs(folder, {}, { packageDir: wflo })).not.toBe(before);
  });

  it('stays when only documents, tests, outputs and what running code leaves behind change', async () => {
    const folder = project();
    const before = await hashOf(folder);
    write(folder, {
      'README.md': 'x',
      'docs/guide.md': 'x',
      'test/a.test.ts': 'x',
      '.wflo/local.json': 'x',
      'cdk.out/manifest.json': 'x',
      'node_modules/x/index.js': 'x',
      'state-machines/hello/agent/__pycache__/main.pyc': 'x',
    });
    expect(await hashOf(folder)).toBe(before);
  });

  it('follows a workflow that is a link, and survives a link to its own folder', async () => {
    const folder = project();
    const elsewhere = temporaryFolder();
    write(elsewhere, { 'workflow.ts': 'one' });
    symlinkSync(elsewhere, join(folder, 'state-machines', 'linked'));
    symlinkSync('.', join(folder, 'state-machines', 'loop'));
    const before = await hashOf(folder);
    expect(await projectInputs(folder)).toContain(join(folder, 'state-machines/linked/workflow.ts'));
    write(elsewhere, { 'workflow.ts': 'two' });
    expect(await hashOf(folder)).not.toBe(before);
  });
});
