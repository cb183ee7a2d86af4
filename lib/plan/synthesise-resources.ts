import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { loadWorkflowResources } from '../constructs/agent-workflow/load-resources.ts';
import { type Deployment, readDeployment } from '../constructs/deployment/deployment.ts';
import { readCustomImages } from '../constructs/sandbox-images/custom-images.ts';
import { agentEntries } from '../project/build-agents.ts';
import { PLATFORM_FUNCTIONS } from '../project/build-functions.ts';
import { workflowEntries } from '../project/workflow-functions.ts';
import type { LoadedWorkflow } from '../project/workflows.ts';
import { addStageStacks } from '../stacks/stage-stacks.ts';
import type { TemplateResource } from './footprint.ts';

export type NetworkMode = Deployment['network'];

export interface PlannedTemplates {
  /** As `cdk.json` says it. */
  readonly deployment: Deployment;
  /** All resources of all stacks, as they are in either mode. */
  readonly resources: Readonly<Record<NetworkMode, readonly TemplateResource[]>>;
}

/**
 * The templates that a deployment of this context would have, in both network modes. Nothing is bundled or built: what
 * is in a function or an image does not change a template. Throws `invalid_settings`, `invalid_image`, `unknown_image`.
 */
export async function synthesiseResources(
  projectDir: string,
  context: Readonly<Record<string, unknown>>,
  workflows: readonly LoadedWorkflow[],
): Promise<PlannedTemplates> {
  const folder = await mkdtemp(join(tmpdir(), 'wflo-plan-'));
  try {
    const functionsDir = await standInFunctions(join(folder, 'functions'), workflows);
    // What an emulator lacks is left out for it, and is paid for on AWS.
    const { 'wflo:endpoint': _, ...settings } = context;
    const deployment = readDeployment(new App({ context: settings, outdir: join(folder, 'settings') }).node);
    const resources = await loadWorkflowResources(workflows);
    const templatesOf = (network: NetworkMode): readonly TemplateResource[] => {
      const buildDir = join(folder, network);
      const app = new App({ context: settings, outdir: join(buildDir, 'cdk.out') });
      addStageStacks(
        app,
        { ...deployment, network, images: 'named' },
        {
          workflows,
          resources,
          functionsDir,
          customImages: readCustomImages(app.node, projectDir),
          imageContexts: {},
          buildDir,
        },
      );
      return app.synth().stacks.flatMap(({ template }) => Object.values(template.Resources as object));
    };
    return { deployment, resources: { private: templatesOf('private'), open: templatesOf('open') } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function standInFunctions(functionsDir: string, workflows: readonly LoadedWorkflow[]): Promise<string> {
  const names = [...PLATFORM_FUNCTIONS.map((name) => `lambdas/${name}`), ...Object.keys(workflowEntries(workflows))];
  for (const name of names) {
    await mkdir(join(functionsDir, name), { recursive: true });
    await writeFile(join(functionsDir, name, 'index.mjs'), '');
  }
  for (const bundle of Object.keys(agentEntries(workflows))) {
    await mkdir(dirname(join(functionsDir, bundle)), { recursive: true });
    await writeFile(join(functionsDir, `${bundle}.mjs`), '');
  }
  return functionsDir;
}
