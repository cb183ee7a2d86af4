import { mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { WfloError } from '../errors.ts';
import { PRICES_KEY, pricesFileOf } from '../project/project-prices.ts';
import { cdkCommand, QUIET_CDK_ENV } from './cdk.ts';
import { deployFailureReasons, uncaughtWfloError, unfinishedResources } from './deploy-failure.ts';
import { hashDeployInputs } from './deploy-inputs.ts';
import { readStageParameters, type StageParameters } from './deployment-parameters.ts';
import { type LocalEndpoint, localClientSettings } from './local-clients.ts';
import type { LocalCredentials } from './local-state.ts';
import type { LocalPaths } from './paths.ts';
import { inPhase, type Report } from './progress.ts';
import { type RunCommand, runCommand } from './run-command.ts';
import { projectContext, projectContextValue } from './stage.ts';

const BOOTSTRAP_STACK = 'CDKToolkit';
const STACKS_AT_ONCE = 4;
/** Measured: 25 s on two busy cores. What takes this long waits for a resource that will never answer. */
const CDK_MS = 180_000;

export interface LocalDeployment extends LocalEndpoint {
  readonly projectDir: string;
  readonly paths: LocalPaths;
  readonly account: string;
  readonly stage: string;
  readonly port: number;
  readonly admin: LocalCredentials;
  /** The user's environment: its search path is needed, its AWS settings are taken out. */
  readonly env: NodeJS.ProcessEnv;
}

export interface LocalDeployResult extends StageParameters {
  readonly outcome: 'deployed' | 'unchanged';
  readonly hash: string;
}

/** The hash is part of the emulator's state and not of ours: it goes where that state goes, also after a crash. */
function hashParameter(stage: string): string {
  return `/wflo-local/${stage}/deployed-inputs`;
}

/** What the app is synthesised with for the local AWS. */
export function localContext(endpoint: string, stage: string): { readonly [name: string]: string } {
  return { 'wflo:stage': stage, 'wflo:endpoint': endpoint, 'wflo:images': 'named' };
}

/** Throws `invalid_settings` for prices that are no file of the project. */
export async function localInputHash(projectDir: string, endpoint: string, stage: string): Promise<string> {
  // It may be in a folder whose other files deploy nothing.
  const prices = pricesFileOf(await projectContextValue(projectDir, PRICES_KEY));
  return hashDeployInputs(projectDir, localContext(endpoint, stage), { files: prices === undefined ? [] : [prices] });
}

/** Deploys the app of the project, unless these very inputs are deployed already. Throws `deploy_failed`, or what the app refused with. */
export async function deployLocally(
  deployment: LocalDeployment,
  report: Report,
  run: RunCommand = runCommand,
): Promise<LocalDeployResult> {
  const ssm = await import('@aws-sdk/client-ssm');
  const client = new ssm.SSMClient(localClientSettings(deployment, deployment.admin));
  const Name = hashParameter(deployment.stage);
  try {
    const hash = await localInputHash(deployment.projectDir, deployment.endpoint, deployment.stage);
    const deployed = await client.send(new ssm.GetParameterCommand({ Name })).catch((error: Error) => {
      if (error.name === 'ParameterNotFound') return undefined;
      throw error;
    });
    if (deployed?.Parameter?.Value === hash) {
      report({ phase: 'deploy', state: 'skipped', text: 'The deployed workflows are up to date' });
      return { outcome: 'unchanged', hash, ...(await readStageParameters(client, deployment.stage)) };
    }
    await runDeployment(deployment, report, run);
    await client.send(new ssm.PutParameterCommand({ Name, Value: hash, Type: 'String', Overwrite: true }));
    return { outcome: 'deployed', hash, ...(await readStageParameters(client, deployment.stage)) };
  } finally {
    client.destroy();
  }
}

async function runDeployment(deployment: LocalDeployment, report: Report, run: RunCommand): Promise<void> {
  const { paths } = deployment;
  await mkdir(paths.logs, { recursive: true, mode: 0o700 });
  await writeFile(paths.cdkLog, '', { mode: 0o600 });
  await rm(paths.assembly, { recursive: true, force: true });
  const cdk: Cdk = (what, args, cwd = deployment.projectDir) => runCdk(what, args, cwd, deployment, run);

  const context = Object.entries(localContext(deployment.endpoint, deployment.stage)).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  // Both at once: neither needs the other, and each is a few seconds of one core.
  const both = await Promise.allSettled([
    inPhase(report, 'synth', 'Compiling the workflows', () =>
      cdk('the app could not be synthesised', ['synth', '--quiet', '--output', paths.assembly, ...context]),
    ),
    bootstrapOnce(deployment, report, cdk),
  ]);
  // Only now: a process of the other must not go on behind a command that has failed.
  for (const each of both) if (each.status === 'rejected') throw each.reason;
  await inPhase(report, 'deploy', 'Deploying into the local AWS', () =>
    cdk('the deployment failed', [
      'deploy',
      '--all',
      '--app',
      paths.assembly,
      '--require-approval',
      'never',
      '--concurrency',
      String(STACKS_AT_ONCE),
      '--progress',
      'events',
    ]),
  );
}

type Cdk = (what: string, args: readonly string[], cwd?: string) => Promise<void>;

async function bootstrapOnce(deployment: LocalDeployment, report: Report, cdk: Cdk): Promise<void> {
  if (await isBootstrapped(deployment)) return;
  const qualifier = await projectContext(deployment.projectDir, '@aws-cdk/core:bootstrapQualifier');
  await inPhase(report, 'bootstrap', 'Preparing the local account', () =>
    cdk(
      'the local account could not be prepared',
      [
        'bootstrap',
        `aws://${deployment.account}/${deployment.region}`,
        ...(qualifier === undefined ? [] : ['--qualifier', qualifier]),
      ],
      // Where there is no cdk.json: else the app would be synthesised a second time.
      deployment.paths.cloud,
    ),
  );
}

async function isBootstrapped(deployment: LocalDeployment): Promise<boolean> {
  const cloudFormation = await import('@aws-sdk/client-cloudformation');
  const client = new cloudFormation.CloudFormationClient(localClientSettings(deployment, deployment.admin));
  try {
    const answer = await client.send(new cloudFormation.DescribeStacksCommand({ StackName: BOOTSTRAP_STACK }));
    const status = answer.Stacks?.[0]?.StackStatus;
    return status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE' || status === 'UPDATE_ROLLBACK_COMPLETE';
  } catch (error) {
    if ((error as Error).name === 'ValidationError') return false;
    throw error;
  } finally {
    client.destroy();
  }
}

async function runCdk(
  what: string,
  args: readonly string[],
  cwd: string,
  deployment: LocalDeployment,
  run: RunCommand,
): Promise<void> {
  const result = await run(process.execPath, [cdkCommand(), ...args], {
    cwd,
    env: cdkEnvironment(deployment),
    logFile: deployment.paths.cdkLog,
    timeoutMs: CDK_MS,
  });
  if (result.exitCode === 0) return;
  if (result.timedOut) throw notEnded(what, result.output, deployment.paths);
  const refused = uncaughtWfloError(result.output);
  if (refused !== undefined)
    throw new WfloError(refused.code, refused.message, { fix: 'Correct it, then repeat the command.' });
  const reasons = deployFailureReasons(result.output);
  throw new WfloError('deploy_failed', `${what}:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`, {
    fix: `The whole output is in ${deployment.paths.cdkLog}.`,
    details: { reasons, logFile: deployment.paths.cdkLog },
  });
}

function notEnded(what: string, output: string, { cdkLog, emulatorLog }: LocalPaths): WfloError {
  const waiting = unfinishedResources(output).map((resource) => `waiting for ${resource}`);
  return new WfloError(
    'deploy_failed',
    [`${what}: it did not end within ${CDK_MS / 1000} s`, ...waiting.map((line) => `  ${line}`)].join('\n'),
    {
      fix: `Look for the reason in ${emulatorLog}; the output of CDK is in ${cdkLog}. Then run \`wflo local reset\` and \`wflo local up\`.`,
      details: { reasons: waiting, logFile: cdkLog },
    },
  );
}

/** The user's environment without anything that leads to a real account or past the emulator. */
export function cdkEnvironment(deployment: LocalDeployment): NodeJS.ProcessEnv {
  const kept = Object.entries(deployment.env).filter(
    ([name]) => !/^(?:AWS_|CDK_)/i.test(name) && !/^(?:https?|all)_proxy$/i.test(name) && name !== 'NODE_OPTIONS',
  );
  const { paths, port } = deployment;
  const nowhere = join(paths.emulatorHome, 'no-aws-configuration');
  return {
    ...Object.fromEntries(kept),
    ...QUIET_CDK_ENV,
    PATH: [paths.nodeBin, deployment.env.PATH ?? ''].filter((part) => part !== '').join(delimiter),
    AWS_ACCESS_KEY_ID: deployment.admin.accessKeyId,
    AWS_SECRET_ACCESS_KEY: deployment.admin.secretAccessKey,
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: deployment.region,
    AWS_DEFAULT_REGION: deployment.region,
    AWS_ENDPOINT_URL: deployment.endpoint,
    // With an IP the SDK puts the bucket into the path; `<bucket>.localhost` neither resolves nor fits the certificate.
    AWS_ENDPOINT_URL_S3: `https://127.0.0.1:${port}`,
    NODE_EXTRA_CA_CERTS: deployment.caFile,
    AWS_CA_BUNDLE: deployment.caFile,
  };
}
