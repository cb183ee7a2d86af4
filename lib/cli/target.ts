import { readFile } from 'node:fs/promises';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import { type Invocation, usage } from './invocation.ts';

/** Which deployment a command talks to. `stage` undefined: that of the project's cdk.json. */
export type Target =
  | {
      readonly kind: 'local';
      /** The person whose keys sign; absent: those of the operator. */
      readonly as?: string;
    }
  | { readonly kind: 'aws'; readonly stage: string | undefined };

type Environment = { readonly [name: string]: string | undefined };

/** Flags win over the environment. Throws `usage` where they contradict each other. */
export function targetOf(invocation: Invocation, env: Environment): Target {
  const target = deploymentOf(invocation, env);
  const as = invocation.value('as');
  if (as === undefined) return target;
  if (target.kind === 'local') return { ...target, as };
  throw usage(
    '--as is for the local AWS only: elsewhere, who you are is what your credentials say',
    'add --local, or leave --as out and use the credentials of that person',
  );
}

function deploymentOf(invocation: Invocation, env: Environment): Target {
  const stage = invocation.value('stage');
  if (invocation.flag('local')) {
    if (stage !== undefined) throw usage('--local and --stage exclude each other', 'use one of them');
    return { kind: 'local' };
  }
  if (stage !== undefined) return { kind: 'aws', stage };
  const target = env.WFLO_TARGET;
  if (target === 'local') return { kind: 'local' };
  if (target !== undefined && target !== '' && target !== 'aws') {
    throw usage(`WFLO_TARGET is "${target}"`, 'set it to "local" or "aws", or unset it');
  }
  return { kind: 'aws', stage: env.WFLO_STAGE || undefined };
}

/** What a command line needs to repeat a target, for hints. */
export function targetFlags(target: Target): string {
  if (target.kind === 'local') return target.as === undefined ? ' --local' : ` --local --as ${target.as}`;
  return target.stage === undefined ? '' : ` --stage ${target.stage}`;
}

/** Finds the deployment. Throws `no_target`, `local_not_running`, `local_died`, `unknown_person`. */
export function connect(target: Target, projectDir: string): Promise<ControlApiClient> {
  return target.kind === 'local' ? connectLocal(target.as, projectDir) : connectAws(target.stage, projectDir);
}

async function connectLocal(as: string | undefined, projectDir: string): Promise<ControlApiClient> {
  const [{ requireRunning }, { personCredentials }, { createClient }] = await Promise.all([
    import('../local-cloud/index.ts'),
    import('../local-cloud/local-state.ts'),
    import('../client/client.ts'),
  ]);
  const state = await requireRunning(projectDir);
  const url = state.deployed?.controlApiUrl ?? undefined;
  const credentials = state.credentials.operator;
  if (url === undefined || credentials === null) {
    throw new WfloError('no_target', 'the local AWS runs, and nothing is deployed in it', {
      fix: 'run `wflo local up`',
    });
  }
  return createClient({
    url,
    region: state.region,
    credentials: as === undefined ? credentials : personCredentials(state, as),
    ca: await readFile(state.caFile, 'utf8'),
    unreachableFix: 'run `wflo local status`, then `wflo local up`',
  });
}

async function connectAws(given: string | undefined, projectDir: string): Promise<ControlApiClient> {
  const [{ SSMClient, GetParameterCommand }, { createClient }, { projectStage }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../client/client.ts'),
    import('../local-cloud/stage.ts'),
  ]);
  const stage = given ?? (await projectStage(projectDir));
  const name = `/wflo/${stage}/control-api-url`;
  const ssm = new SSMClient({});
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    const url = Parameter?.Value;
    if (url === undefined) throw new WfloError('no_target', `the parameter ${name} is empty`, { fix: 'deploy again' });
    return createClient({ url, region: await ssm.config.region(), credentials: ssm.config.credentials });
  } catch (error) {
    throw noTarget(error, stage, name);
  } finally {
    ssm.destroy();
  }
}

const CREDENTIAL_ERRORS = [
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
];

/** `details.reason` of `no_target`. */
type NoTargetReason = 'not_deployed' | 'no_credentials' | 'no_region' | 'unreadable';

/** Why no deployment was found, in terms of what a person can change. */
export function noTarget(error: unknown, stage: string, parameter: string): unknown {
  if (!(error instanceof Error) || WfloError.is(error)) return error;
  const fail = (message: string, fix: string, reason: NoTargetReason) =>
    new WfloError('no_target', message, { fix, cause: error, details: { reason } });
  if (error.name === 'ParameterNotFound') {
    return fail(
      `no deployment of stage "${stage}" in this account and region`,
      `deploy it with \`wflo deploy --stage ${stage}\`, name another with --stage, or use --local`,
      'not_deployed',
    );
  }
  if (error.name === 'CredentialsProviderError' || CREDENTIAL_ERRORS.includes(error.name)) {
    return fail(
      `no usable AWS credentials: ${error.message}`,
      'sign in to AWS (AWS_PROFILE, `aws sso login`), or use --local',
      'no_credentials',
    );
  }
  if (error.message.includes('Region is missing')) {
    return fail('no AWS region is set', 'set AWS_REGION or AWS_PROFILE, or use --local', 'no_region');
  }
  if (error.name === 'AccessDeniedException') {
    return fail(
      `the parameter ${parameter} may not be read: ${error.message}`,
      `allow ssm:GetParameter on it`,
      'unreadable',
    );
  }
  return fail(
    `the parameter ${parameter} cannot be read: ${error.message}`,
    'check network, region and credentials, or use --local',
    'unreadable',
  );
}
