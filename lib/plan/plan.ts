import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { computeCostOf } from '../budget/cost.ts';
import { type NanoUsd, nanoUsd, sumUsd } from '../budget/money.ts';
import type { FargateRates } from '../budget/price-book.ts';
import { WfloError } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import { requireProject } from '../local-cloud/stage.ts';
import { PRICES_KEY, projectPriceBook } from '../project/project-prices.ts';
import { type LoadedWorkflow, loadWorkflows } from '../project/workflows.ts';
import { cpuUnits } from '../sandbox/sizes.ts';
import { type FixedCost, fixedCosts, type UsagePrice, usagePrices } from './costs.ts';
import { footprintOf, uncountedTypes } from './footprint.ts';
import { PRICES } from './prices.ts';
import { type NetworkMode, synthesiseResources } from './synthesise-resources.ts';

/** What a deployment of this folder has, and what that costs by list prices. Every amount is in billionths of a dollar. */
export interface Plan {
  readonly stage: string;
  readonly network: NetworkMode;
  readonly availabilityZones: number;
  readonly architecture: 'X86_64' | 'ARM64';
  readonly prices: { readonly region: string; readonly asOf: string; readonly sources: readonly string[] };
  /** By the month, used or not. */
  readonly fixed: Readonly<Record<NetworkMode, FixedCost>>;
  /** By use, where the network modes differ. */
  readonly usage: readonly UsagePrice[];
  readonly workflows: readonly PlannedWorkflow[];
  readonly notIncluded: readonly string[];
}

export interface PlannedWorkflow {
  readonly workflow: string;
  readonly steps: readonly PlannedStep[];
  /** Every attempt of every sandbox step up to its time limit: more than an execution can cost in sandboxes. */
  readonly mostNanoUsd: NanoUsd;
}

export interface PlannedStep {
  readonly path: string;
  readonly image: string;
  /** vCPU. */
  readonly cpu: number;
  readonly memoryMib: number;
  readonly timeoutSeconds: number;
  /** At most: one, and the retries. */
  readonly attempts: number;
  readonly nanoUsdPerHour: NanoUsd;
  /** One attempt that runs up to its time limit. */
  readonly nanoUsdAtLimit: NanoUsd;
}

const NOT_INCLUDED = [
  'Lambda, Step Functions, DynamoDB, S3, API Gateway, EventBridge, SQS, CloudWatch Logs and metrics, X-Ray, ECR storage: by use',
  'calls of models and other services that agents make',
  'free tiers, discounts, taxes, and the rotations of keys',
];

/**
 * Plans the stage of `cdk.json`, or the one that is named, without a call to AWS. Throws `usage` where there is no
 * `cdk.json`, `malformed_json`, `invalid_settings`, `invalid_prices`, and what loading workflows throws.
 */
export async function planDeployment(projectDir: string, stage?: string): Promise<Plan> {
  await requireProject(projectDir);
  const context: Readonly<Record<string, unknown>> = {
    ...(await readContext(projectDir)),
    ...(stage === undefined ? {} : { 'wflo:stage': stage }),
  };
  const { fargate } = await projectPriceBook(projectDir, context[PRICES_KEY]);
  const workflows = await loadWorkflows(projectDir);
  const { deployment, resources } = await synthesiseResources(projectDir, context, workflows);
  const { network, availabilityZones, architecture } = deployment;
  const uncounted = uncountedTypes(resources[network]);
  const { region, asOf, sources } = PRICES;
  return {
    stage: deployment.stage,
    network,
    availabilityZones,
    architecture,
    prices: { region, asOf, sources },
    fixed: {
      private: fixedCosts(footprintOf(resources.private)),
      open: fixedCosts(footprintOf(resources.open)),
    },
    usage: usagePrices(),
    workflows: workflows.map((workflow) => plannedWorkflow(workflow, fargate[architecture])),
    notIncluded: [
      ...NOT_INCLUDED,
      ...(uncounted.length === 0 ? [] : [`resources of your workflows: ${uncounted.join(', ')}`]),
    ],
  };
}

function plannedWorkflow({ name, compiled }: LoadedWorkflow, rates: FargateRates): PlannedWorkflow {
  const steps = compiled.sandboxes.map(({ path, image, cpu, memoryMib, timeoutSeconds, attempts }): PlannedStep => {
    const size = { cpuUnits: cpuUnits(cpu), memoryMib };
    const nanoUsdPerHour = computeCostOf(rates, size, 3600);
    const nanoUsdAtLimit = computeCostOf(rates, size, timeoutSeconds);
    return { path, image, cpu, memoryMib, timeoutSeconds, attempts, nanoUsdPerHour, nanoUsdAtLimit };
  });
  const mostNanoUsd = sumUsd(...steps.map(({ nanoUsdAtLimit, attempts }) => nanoUsd(nanoUsdAtLimit * attempts)));
  return { workflow: name, steps, mostNanoUsd };
}

async function readContext(projectDir: string): Promise<Readonly<Record<string, unknown>>> {
  const file = join(projectDir, 'cdk.json');
  let settings: unknown;
  try {
    settings = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new WfloError('malformed_json', `${file} is not JSON: ${(cause as Error).message}`, {
      fix: 'correct the file',
      cause,
    });
  }
  const context = isJsonObject(settings) ? settings.context : undefined;
  return isJsonObject(context) ? context : {};
}
