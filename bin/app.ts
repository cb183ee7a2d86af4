import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { workflowEntries } from '../lib/project/workflow-functions.ts';
import { loadWorkflows } from '../lib/project/workflows.ts';

/** Workflows are those of the folder that `cdk` runs in; functions and images those of this package. */
const projectDir = process.cwd();
const packageDir = fileURLToPath(new URL('..', import.meta.url));
const buildDir = join(projectDir, 'build');
const functionsDir = join(buildDir, 'functions');

const workflows = await loadWorkflows(projectDir);
// The bundler is a process of its own: it works while CDK is loaded, which takes as long.
const [{ synthesise }] = await Promise.all([
  import('../lib/stacks/synthesise.ts'),
  buildFunctions(packageDir, functionsDir, { ...platformEntries(packageDir), ...workflowEntries(workflows) }),
]);
await synthesise({ workflows, functionsDir, buildDir });
