import type { CheckResult } from './contract.ts';

const NAME = 'aws';
const TIMEOUT_MS = 5_000;

/** The AWS account of the environment: whether it can be used, and what is deployed there. Optional, so never `fail`. */
export async function checkCloudTarget(stage: string): Promise<CheckResult> {
  const abort = AbortSignal.timeout(TIMEOUT_MS);
  try {
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const { SSMClient, GetParametersCommand } = await import('@aws-sdk/client-ssm');
    const client = new SSMClient({ maxAttempts: 1 });
    try {
      const region = await client.config.region();
      await within(client.config.credentials(), abort);
      const url = `/wflo/${stage}/control-api-url`;
      const mode = `/wflo/${stage}/network-mode`;
      const answer = await client.send(new GetParametersCommand({ Names: [url, mode] }), { abortSignal: abort });
      const value = (name: string) => answer.Parameters?.find(({ Name }) => Name === name)?.Value;
      return deployedCheck(stage, region, value(url), value(mode));
    } finally {
      client.destroy();
    }
  } catch (error) {
    return unusableCheck(error as Error);
  }
}

export function deployedCheck(
  stage: string,
  region: string,
  controlApiUrl: string | undefined,
  networkMode: string | undefined,
): CheckResult {
  if (controlApiUrl === undefined)
    return {
      name: NAME,
      level: 'ok',
      message: `AWS credentials work in ${region}; stage ${stage} is not deployed there`,
    };
  if (networkMode === 'open')
    return {
      name: NAME,
      level: 'warn',
      message: `stage ${stage} in ${region} has the network mode \`open\`: the egress of sandboxes is not filtered`,
      fix: 'For anything but a trial set `wflo:network` to `private` in cdk.json, then run `wflo deploy`.',
    };
  return { name: NAME, level: 'ok', message: `stage ${stage} is deployed in ${region}` };
}

export function unusableCheck(error: Error): CheckResult {
  if (/Region is missing/i.test(error.message))
    return {
      name: NAME,
      level: 'warn',
      message: 'no AWS region is set (needed for the cloud target only)',
      fix: 'Set AWS_REGION, or `region` in your AWS profile.',
    };
  if (error.name === 'CredentialsProviderError' || error.name === 'TimeoutError' || error.name === 'AbortError')
    return {
      name: NAME,
      level: 'warn',
      message: 'no AWS credentials were found (needed for the cloud target only)',
      fix: 'Sign in (such as `aws sso login`), or set AWS_PROFILE.',
    };
  return {
    name: NAME,
    level: 'warn',
    message: `AWS refuses these credentials: ${error.message}`,
    fix: 'Sign in again, or grant `ssm:GetParameters` on `/wflo/*`.',
  };
}

function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
