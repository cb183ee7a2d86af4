import { didYouMean } from '../../client/nearest.ts';
import { WfloError } from '../../errors.ts';
import type { Command } from '../command.ts';

export const graph: Command = {
  name: 'graph',
  summary: 'draw a workflow of this folder as a Mermaid flowchart',
  description: 'Reads `state-machines/<workflow>/workflow.ts`; needs no deployment.',
  positionals: [{ name: 'workflow', summary: 'the name of a folder below state-machines/' }],
  options: [],
  json: '`{ workflow, mermaid }`',
  examples: [{ command: 'wflo graph data-processor > data-processor.mmd', shows: 'the flowchart as a file' }],
  async run(invocation, { output, projectDir }) {
    const name = invocation.positional('workflow');
    const { loadWorkflows, workflowFolders } = await import('../../project/workflows.ts');
    // Only this one: a mistake in another workflow is no reason not to draw it.
    const [found] = await loadWorkflows(projectDir, name);
    if (found === undefined) {
      const names = await workflowFolders(projectDir);
      throw new WfloError(
        'unknown_workflow',
        `there is no workflow "${name}" in ${projectDir}.${didYouMean(name, names)}`,
        {
          fix: names.length === 0 ? 'run this in a folder with state-machines/' : `use one of: ${names.join(', ')}`,
          details: { workflow: name, workflows: names },
        },
      );
    }
    const mermaid = found.compiled.graph;
    output.result({ workflow: name, mermaid }, () => [mermaid.trimEnd()]);
  },
};
