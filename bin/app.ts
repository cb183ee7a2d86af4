import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appContextValue } from '../lib/project/app-context.ts';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { PRICES_KEY, projectPriceBook } from '../lib/project/project-prices.ts';

/** Workflows are those of the folder that `cdk` runs in; functions and images those of this package. */
const projectDir = process.cwd();
const packageDir = fileURLToPath(new URL('..', import.meta.url));
const buildDir = join(projectDir, 'build');
const functionsDir = join(buildDir, 'functions');

const prices = await projectPriceBook(projectDir, await appContextValue(PRICES_KEY));
// The bundler is a process of its own: it works while the workflows and CDK are loaded, which takes as long.
const platform = buildFunctions(packageDir, functionsDir, platformEntries(packageDir), prices);
const { loadWorkflows } = await import('../lib/project/workflows.ts');
const { agentEntries, buildAgents } = await import('../lib/project/build-agents.ts');
const { workflowEntries } = await import('../lib/project/workflow-functions.ts');
const workflows = await loadWorkflows(projectDir);
const [{ synthesise }] = await Promise.all([
  import('../lib/stacks/synthesise.ts'),
  platform,
  buildFunctions(packageDir, functionsDir, workflowEntries(workflows), prices),
  buildAgents(projectDir, functionsDir, agentEntries(workflows)),
]);
await synthesise({ projectDir, workflows, functionsDir, buildDir });
