import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { WfloError } from '../errors.ts';

const require = createRequire(import.meta.url);

/** The CDK command of this package's own pinned version, to be run by Node. */
export function cdkCommand(): string {
  try {
    return join(dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');
  } catch (error) {
    throw new WfloError('deploy_failed', 'the package aws-cdk is not installed', {
      fix: 'Run `npm ci`.',
      cause: error,
    });
  }
}

export function cdkVersion(): string {
  try {
    return (require('aws-cdk/package.json') as { version: string }).version;
  } catch {
    return 'not installed';
  }
}

/** CDK's answers to what it would otherwise ask or tell: nothing of it is for the user of `wflo`. */
export const QUIET_CDK_ENV = {
  CDK_DISABLE_CLI_TELEMETRY: 'true',
  CDK_DISABLE_VERSION_CHECK: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  NO_COLOR: '1',
  FORCE_COLOR: '0',
} as const;
