import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadWorkflowResources } from '../../lib/constructs/agent-workflow/load-resources.ts';
import { readDeployment } from '../../lib/constructs/deployment/deployment.ts';
import { prepareForLocalAws } from '../../lib/constructs/local-target/prepare-for-local-aws.ts';
import { readCustomImages } from '../../lib/constructs/sandbox-images/custom-images.ts';
import { agentEntries } from '../../lib/project/build-agents.ts';
import { PLATFORM_FUNCTIONS } from '../../lib/project/build-functions.ts';
import { workflowEntries } from '../../lib/project/workflow-functions.ts';
import { loadWorkflows } from '../../lib/project/workflows.ts';
import { addStageStacks, type StageStacks } from '../../lib/stacks/stage-stacks.ts';

const root = resolve(import.meta.dirname, '../..');

export interface CfnResource {
  readonly stack: string;
  readonly id: string;
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of any resource type, as the template has them
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface SynthesisedStage {
  readonly app: App;
  readonly stacks: StageStacks;
  readonly templates: Readonly<Record<keyof StageStacks, Template>>;
  /** All resources of all stacks. */
  readonly resources: readonly CfnResource[];
  ofType(type: string): readonly CfnResource[];
}

/**
 * The stacks of the repository's workflows, with stand-ins for the bundles: a template does not depend on what is in
 * them. `context` is what `-c` would give.
 */
export async function synthesiseStage(context: Readonly<Record<string, unknown>> = {}): Promise<SynthesisedStage> {
  const buildDir = mkdtempSync(join(tmpdir(), 'wflo-stage-'));
  const functionsDir = join(buildDir, 'functions');
  const workflows = await loadWorkflows(root);
  const folders = [...PLATFORM_FUNCTIONS.map((name) => `lambdas/${name}`), ...Object.keys(workflowEntries(workflows))];
  for (const folder of folders) {
    mkdirSync(join(functionsDir, folder), { recursive: true });
    writeFileSync(join(functionsDir, folder, 'index.mjs'), `// ${folder}`);
  }
  for (const bundle of Object.keys(agentEntries(workflows))) {
    mkdirSync(dirname(join(functionsDir, bundle)), { recursive: true });
    writeFileSync(join(functionsDir, `${bundle}.mjs`), `// ${bundle}`);
  }
  const { context: flags } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
  const app = new App({
    outdir: join(buildDir, 'cdk.out'),
    context: { ...flags, 'wflo:images': 'named', ...context },
  });
  const deployment = readDeployment(app.node);
  const resources = await loadWorkflowResources(workflows);
  const customImages = readCustomImages(app.node, root);
  const imageContexts =
    deployment.images === 'assets' ? standInContexts(join(buildDir, 'images'), Object.keys(customImages)) : {};
  const stacks = addStageStacks(app, deployment, {
    workflows,
    resources,
    functionsDir,
    customImages,
    imageContexts,
    buildDir,
  });
  if (deployment.endpoint !== undefined) prepareForLocalAws(app);

  const entries = Object.entries(stacks) as [keyof StageStacks, Stack][];
  const templates = Object.fromEntries(entries.map(([name, stack]) => [name, Template.fromStack(stack)])) as Record<
    keyof StageStacks,
    Template
  >;
  const all = entries.flatMap(([stack]) =>
    Object.entries(templates[stack].toJSON().Resources as Record<string, Omit<CfnResource, 'id' | 'stack'>>).map(
      ([id, resource]) => ({ stack, id, ...resource }),
    ),
  );
  return { app, stacks, templates, resources: all, ofType: (type) => all.filter(({ Type }) => Type === type) };
}

/** Build contexts that nobody builds: synthesis only hashes them. */
function standInContexts(folder: string, custom: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    ['python', 'node', ...custom].map((image) => {
      mkdirSync(join(folder, image), { recursive: true });
      writeFileSync(join(folder, image, 'Dockerfile'), `# ${image}`);
      return [image, join(folder, image)];
    }),
  );
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  /** As text: strings as they are, intrinsics as JSON. */
  readonly Resource: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a principal as the template has it
  readonly Principal?: any;
  // biome-ignore lint/suspicious/noExplicitAny: conditions as the template has them
  readonly Condition?: any;
}

/** The statements of a policy document of a template, with lists where IAM allows single values. */
export function statementsOf(document: { readonly Statement: readonly object[] }): readonly Statement[] {
  return document.Statement.map((statement) => {
    const { Action, Resource, ...rest } = statement as Record<string, unknown>;
    return { ...rest, Action: list(Action).map(String), Resource: list(Resource).map(text) } as unknown as Statement;
  });
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** A value of a template as one line: joins are joined, references named. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument] = ['', undefined]] = Object.entries(value);
  if (name === 'Ref') return `<${argument}>`;
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (name === 'Fn::ImportValue') return `<${String(argument).replace(/^.*:ExportsOutput/, '')}>`;
  if (name === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(text).join(separator);
  }
  return JSON.stringify(value);
}
