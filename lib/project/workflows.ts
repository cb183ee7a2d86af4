import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isFunctionVersion } from '../compiler/check-steps.ts';
import { isCodeEntry } from '../compiler/code-entry.ts';
import { compileWorkflow } from '../compiler/compile.ts';
import type { CompiledWorkflow } from '../compiler/compiled.ts';
import { findingText } from '../compiler/findings.ts';
import { actingStepsOf } from '../compiler/steps-of.ts';
import { WfloError } from '../errors.ts';
import type { Finding } from '../workflow/definition.ts';
import { isWorkflow, type Workflow } from '../workflow/workflow.ts';

export interface LoadedWorkflow {
  readonly name: string;
  /** Absolute path of the workflow's folder. */
  readonly directory: string;
  readonly compiled: CompiledWorkflow;
}

type Loaded =
  | { readonly ok: true; readonly loaded: LoadedWorkflow }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Finds `state-machines/<name>/workflow.ts` below `root`, imports and compiles each, sorted by name, or only the one
 * in the folder that is named. Needs a process that can import TypeScript (tsx). Throws `invalid_definition` with the
 * findings of all of them in `details`, or `definition_not_loadable` where every finding is one.
 */
export async function loadWorkflows(root: string, only?: string): Promise<readonly LoadedWorkflow[]> {
  const all = await workflowFiles(join(root, 'state-machines'));
  const files = only === undefined ? all : all.filter((file) => basename(dirname(file)) === only);
  const results = await Promise.all(files.map(loadWorkflow));
  const findings = results.flatMap((result) => (result.ok ? [] : result.findings));
  if (findings.length > 0) throw definitionError(findings);
  return results.flatMap((result) => (result.ok ? [result.loaded] : []));
}

/** Names of the folders that hold a workflow, sorted; imports none. */
export async function workflowFolders(root: string): Promise<readonly string[]> {
  return (await workflowFiles(join(root, 'state-machines'))).map((file) => basename(dirname(file)));
}

async function workflowFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  const files = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => join(directory, entry.name, 'workflow.ts'))
    .sort();
  const found = await Promise.all(files.map(isFile));
  return files.filter((_, index) => found[index] === true);
}

async function loadWorkflow(file: string): Promise<Loaded> {
  const directory = dirname(file);
  const folder = basename(directory);
  const imported = await importDefault(file, folder);
  if ('code' in imported) return { ok: false, findings: [imported] };
  const prior = [
    ...imported.findings,
    ...folderFindings(imported, folder),
    ...(await fileFindings(imported, directory)),
  ];
  const result = compileWorkflow(imported.definition, prior);
  if (!result.ok) return { ok: false, findings: result.findings };
  return { ok: true, loaded: { name: result.compiled.name, directory, compiled: result.compiled } };
}

async function importDefault(file: string, folder: string): Promise<Workflow | Finding> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(file).href);
    if (isWorkflow(module.default)) return module.default;
    return {
      code: 'definition_not_loadable',
      path: folder,
      reason: `${file} does not export a workflow as its default`,
      fix: `write: export default workflow('${folder}', …)`,
    };
  } catch (error) {
    return {
      code: 'definition_not_loadable',
      path: folder,
      reason: `${file} cannot be imported: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'correct the file; `npx tsc` shows what is wrong with it',
    };
  }
}

function folderFindings({ definition }: Workflow, folder: string): readonly Finding[] {
  if (definition.name === folder) return [];
  return [
    {
      code: 'invalid_name',
      path: definition.name,
      reason: `the workflow "${definition.name}" stands in the folder "${folder}"`,
      fix: 'give the folder the name of the workflow',
    },
  ];
}

async function fileFindings({ definition }: Workflow, directory: string): Promise<readonly Finding[]> {
  const needed = actingStepsOf(definition.body).flatMap((step) => {
    if (step.kind === 'lambda') {
      return isFunctionVersion(step.function) ? [] : [{ step: step.path, property: 'function', path: step.function }];
    }
    return step.code === undefined ? [] : [{ step: step.path, property: 'code', path: step.code }];
  });
  const findings = await Promise.all(
    needed.map(async ({ step, property, path }): Promise<readonly Finding[]> => {
      const absolute = join(directory, path);
      const isFolder = property === 'code' && !isCodeEntry(path);
      if (isFolder ? await isDirectory(absolute) : await isFile(absolute)) return [];
      if (isFolder && (await isFile(absolute))) {
        return [
          {
            code: 'invalid_code',
            path: `${definition.name}/${step}.${property}`,
            reason: `${absolute} is a file, and not of TypeScript`,
            fix: 'name its folder, or a TypeScript file (.ts, .mts), which is bundled with what it imports',
          },
        ];
      }
      return [
        {
          code: 'code_not_found',
          path: `${definition.name}/${step}.${property}`,
          reason: `${absolute} is not a ${isFolder ? 'folder' : 'file'}`,
          fix: 'write a path relative to the folder of workflow.ts',
        },
      ];
    }),
  );
  return findings.flat();
}

function definitionError(findings: readonly Finding[]): WfloError {
  const code = findings.every((finding) => finding.code === 'definition_not_loadable')
    ? 'definition_not_loadable'
    : 'invalid_definition';
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  return new WfloError(code, `${count} in the workflow definitions\n${findings.map(findingText).join('\n')}`, {
    fix: 'correct each finding',
    details: { findings },
  });
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
