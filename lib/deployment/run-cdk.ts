import { spawn } from 'node:child_process';
import { WfloError } from '../errors.ts';
import { cdkCommand } from '../local-cloud/cdk.ts';

/** Runs the pinned CDK; resolves with its exit code, null where a signal ended it. */
export type RunCdk = (args: readonly string[], cwd: string) => Promise<number | null>;

/**
 * CDK talks to the terminal itself: its questions are answered on stdin, and all that it prints goes to stderr, so that
 * stdout is the result's alone.
 */
export const runCdkOnTerminal: RunCdk = (args, cwd) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cdkCommand(), ...args], {
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
