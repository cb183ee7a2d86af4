import { spawn } from 'node:child_process';
import { WfloError } from '../errors.ts';
import { cdkCommand } from './cdk.ts';
import type { DeployOptions, DeployResult } from './contract.ts';
import { readStageParameters } from './deployment-parameters.ts';
import { inPhase } from './progress.ts';
import { projectStage, requireProject } from './stage.ts';

/**
 * Deploys every stack of the project into the AWS account of the environment. CDK talks to the terminal itself: its
 * questions are answered on stdin, and all that it prints goes to stderr, so that stdout is the result's alone.
 */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const began = performance.now();
  const { projectDir, report } = options;
  await requireProject(projectDir);
  const stage = options.stage ?? (await projectStage(projectDir));
  await inPhase(report, 'deploy', `Deploying stage ${stage}`, async () => {
    const args = [
      'deploy',
      '--all',
      '-c',
      `wflo:stage=${stage}`,
      '--require-approval',
      options.approval ?? 'broadening',
    ];
    const exitCode = await runOnTerminal(process.execPath, [cdkCommand(), ...args], projectDir);
    if (exitCode !== 0)
      throw new WfloError(
        'deploy_failed',
        `the deployment of stage ${stage} did not succeed (cdk ended with ${exitCode ?? 'a signal'})`,
        {
          fix: 'The reasons stand above. A stack that was never deployed before needs `cdk bootstrap` once per account and region.',
        },
      );
  });
  const { SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({});
  try {
    const { controlApiUrl, workflows } = await readStageParameters(client, stage);
    if (controlApiUrl === null)
      throw new WfloError(
        'deploy_failed',
        `stage ${stage} was deployed, but the parameter /wflo/${stage}/control-api-url is missing`,
        {
          fix: 'Check that the account and region of the AWS environment variables are those that CDK deployed into.',
        },
      );
    return { stage, controlApiUrl, workflows, milliseconds: Math.round(performance.now() - began) };
  } finally {
    client.destroy();
  }
}

function runOnTerminal(file: string, args: readonly string[], cwd: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: {
        ...process.env,
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        CDK_DISABLE_VERSION_CHECK: 'true',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
      stdio: ['inherit', 2, 2],
    });
    child.once('error', (cause) =>
      reject(new WfloError('deploy_failed', `cdk could not be started: ${cause.message}`, { cause })),
    );
    child.once('close', (code) => resolve(code));
  });
}
