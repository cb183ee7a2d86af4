import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WfloError } from '../../errors.ts';
import type { LoadedWorkflow } from '../../project/workflows.ts';
import type { WorkflowResources } from './workflow-resources.ts';

/** The default exports of `resources.ts` of those workflows that have one. Throws `definition_not_loadable`. */
export async function loadWorkflowResources(
  workflows: readonly LoadedWorkflow[],
): Promise<ReadonlyMap<string, WorkflowResources>> {
  const loaded = new Map<string, WorkflowResources>();
  for (const { name, directory } of workflows) {
    const file = join(directory, 'resources.ts');
    if (!existsSync(file)) continue;
    const module: { readonly default?: unknown } = await import(pathToFileURL(file).href);
    if (typeof module.default !== 'function') {
      throw new WfloError('definition_not_loadable', `${file} does not export a function as its default`, {
        fix: 'write: export default (scope, { stepFunction }) => { … }',
      });
    }
    loaded.set(name, module.default as WorkflowResources);
  }
  return loaded;
}
