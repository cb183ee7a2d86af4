import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildFailure, build } from 'esbuild';
import { bundleOfEntry, isCodeEntry } from '../compiler/code-entry.ts';
import { WfloError } from '../errors.ts';
import type { LoadedWorkflow } from './workflows.ts';

/** Folder of the bundle of a TypeScript agent, given as the workflow names it: `./agent/research.ts`. */
export function agentFolder(workflow: string, code: string): string {
  return `agents/${workflow}/${code
    .replace(/^\.\//, '')
    .replace(/\.m?ts$/, '')
    .replaceAll(/[\\/]/g, '-')}`;
}

/** Files of all TypeScript agents of workflows, by where their bundles go without the `.mjs`. */
export function agentEntries(workflows: readonly LoadedWorkflow[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    workflows.flatMap(({ name, directory, compiled }) =>
      compiled.sandboxes.flatMap(({ code }) => {
        if (code === undefined || !isCodeEntry(code)) return [];
        const bundle = bundleOfEntry(code).replace(/\.mjs$/, '');
        return [[`${agentFolder(name, code)}/${bundle}`, join(directory, code)]];
      }),
    ),
  );
}

/**
 * Bundles TypeScript agents with all that they import, each to one file of its folder that Node 20 runs without
 * packages. Packages go in as they are published. The same sources give the same bytes: paths stand in a bundle as they
 * are below `projectDir`. Throws `invalid_code` with what the bundler says.
 */
export async function buildAgents(
  projectDir: string,
  outDir: string,
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  // What an earlier name left would go into the archive.
  await rm(join(outDir, 'agents'), { recursive: true, force: true });
  if (Object.keys(entries).length === 0) return;
  try {
    await build({
      absWorkingDir: projectDir,
      entryPoints: Object.entries(entries).map(([out, file]) => ({ in: file, out })),
      outdir: outDir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: {
        js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
      },
      loader: { '.md': 'text', '.txt': 'text' },
      logLevel: 'silent',
    });
  } catch (error) {
    const { errors } = error as BuildFailure;
    if (!Array.isArray(errors)) throw error;
    const lines = errors.map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}: ${text}`,
    );
    throw new WfloError('invalid_code', `the code of an agent cannot be bundled:\n${lines.join('\n')}`, {
      fix: 'correct the file, and install what it imports into the project: `npm install`',
      details: { lines },
    });
  }
}
