import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
export const smokeProject = join(root, 'build', 'smoke');

/** `first`: what is deployed at the beginning. `changed`: the same with the other edition of `smoke-gate`. */
export type Edition = 'first' | 'changed';

/**
 * Lays out the project that the smoke run deploys: the settings of this checkout, always in the private network, with
 * `hello` and the workflows of this folder as links, so that their imports resolve as they do here.
 */
export function layOutSmokeProject(edition: Edition, projectDir = smokeProject): void {
  const machines = join(projectDir, 'state-machines');
  rmSync(machines, { recursive: true, force: true });
  mkdirSync(machines, { recursive: true });
  const settings = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { app: string; context: object };
  const smoke = {
    ...settings,
    app: settings.app.replace('bin/app.ts', join(root, 'bin/app.ts')),
    context: { ...settings.context, 'wflo:network': 'private', 'wflo:images': 'assets' },
  };
  writeFileSync(join(projectDir, 'cdk.json'), JSON.stringify(smoke, null, 2));
  cpSync(join(root, 'cdk.context.json'), join(projectDir, 'cdk.context.json'));

  const folders = new Map([['hello', join(root, 'state-machines', 'hello')]]);
  const editions = edition === 'first' ? ['workflows'] : ['workflows', 'changed'];
  for (const each of editions.map((name) => join(import.meta.dirname, name)))
    for (const name of readdirSync(each)) folders.set(name, join(each, name));
  for (const [name, folder] of folders) symlinkSync(folder, join(machines, name));
}
