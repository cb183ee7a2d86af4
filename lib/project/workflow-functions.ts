import { existsSync, readdirSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { isFunctionVersion } from '../compiler/check-steps.ts';
import type { FunctionEntries } from './build-functions.ts';
import type { LoadedWorkflow } from './workflows.ts';

/** Folder of the bundle of a function file, given as the workflow names it (`./functions/x.ts`). */
export function functionFolder(workflow: string, file: string): string {
  const stem = normalize(file).replace(/\.[cm]?ts$/, '');
  return `workflows/${workflow}/${stem.replaceAll(/[\\/]/g, '-').replace(/^functions-/, '')}`;
}

/** Entries of all functions of workflows: the files of their `functions/` folders, and what their steps name beside. */
export function workflowEntries(workflows: readonly LoadedWorkflow[]): FunctionEntries {
  return Object.fromEntries(
    workflows.flatMap(({ name, directory, compiled }) => {
      const named = compiled.functions.map((step) => step.function).filter((file) => !isFunctionVersion(file));
      const files = [...named, ...functionFiles(directory)];
      return files.map((file) => [functionFolder(name, file), join(directory, file)]);
    }),
  );
}

function functionFiles(directory: string): string[] {
  const folder = join(directory, 'functions');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
    .map((file) => `./functions/${basename(file)}`);
}
