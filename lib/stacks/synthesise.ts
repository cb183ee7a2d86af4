import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { buildSandboxContext } from '../../sandbox-images/build-context.ts';
import { loadWorkflowResources } from '../constructs/agent-workflow/load-resources.ts';
import { readDeployment } from '../constructs/deployment/deployment.ts';
import { prepareForLocalAws } from '../constructs/local-target/prepare-for-local-aws.ts';
import { ReasonedChecks } from '../constructs/nag/reasoned-checks.ts';
import { readCustomImages } from '../constructs/sandbox-images/custom-images.ts';
import type { LoadedWorkflow } from '../project/workflows.ts';
import { addStageStacks } from './stage-stacks.ts';

export interface SynthesisInput {
  /** The folder of `cdk.json`. */
  readonly projectDir: string;
  readonly workflows: readonly LoadedWorkflow[];
  /** Folder of the bundles that `buildFunctions` made. */
  readonly functionsDir: string;
  /** Where definitions, archives and image contexts are written to. */
  readonly buildDir: string;
}

/** Writes the templates of all stacks, as the context of the app says. Fails with the findings of the rules. */
export async function synthesise({ projectDir, workflows, functionsDir, buildDir }: SynthesisInput): Promise<void> {
  const app = new App();
  const deployment = readDeployment(app.node);
  const customImages = readCustomImages(app.node, projectDir);
  const contextsDir = join(buildDir, 'sandbox-images');
  addStageStacks(app, deployment, {
    workflows,
    resources: await loadWorkflowResources(workflows),
    functionsDir,
    customImages,
    imageContexts: deployment.images === 'assets' ? await buildSandboxContext(contextsDir, customImages) : {},
    buildDir,
  });
  // The rules judge what goes to AWS; what the local AWS lacks would be a finding there.
  if (deployment.endpoint === undefined) Validations.of(app).addPlugins(new ReasonedChecks(app));
  else prepareForLocalAws(app);
  app.synth();
}
