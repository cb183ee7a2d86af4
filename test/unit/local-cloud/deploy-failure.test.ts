import { describe, expect, it } from 'vitest';
import {
  deployFailureReasons,
  uncaughtWfloError,
  unfinishedResources,
} from '../../../lib/local-cloud/deploy-failure.ts';

describe('the reasons of a failed deployment', () => {
  it('are those of the failed resources, once each, without what only follows from them', () => {
    const output = [
      'WfloData-dev | 1/3 | 3:07:57 PM | UPDATE_IN_PROGRESS      | AWS::SSM::Parameter             | Bad ',
      "WfloData-dev | 2/3 | 3:07:57 PM | CREATE_FAILED           | AWS::SSM::Parameter             | Bad Type 'Nonsense' is not supported",
      'WfloData-dev | 2/3 | 3:07:57 PM | CREATE_FAILED           | AWS::SQS::Queue                 | Queue Resource creation cancelled',
      'WfloData-dev | 2/3 | 3:07:57 PM | UPDATE_ROLLBACK_IN_PROG | AWS::CloudFormation::Stack      | WfloData-dev The following resource(s) failed to create: [Bad].',
      'Failed resources:',
      "WfloData-dev | 3:07:57 PM | CREATE_FAILED           | AWS::SSM::Parameter             | Bad Type 'Nonsense' is not supported",
      '❌  WfloData-dev failed to deploy',
    ].join('\n');
    expect(deployFailureReasons(output)).toEqual(["AWS::SSM::Parameter Bad Type 'Nonsense' is not supported"]);
  });

  it('are else the lines that are marked as errors, without stack traces and colours', () => {
    const output = [
      '85 feature flags are not configured. Run something',
      '\u001b[31m❌  WfloPlatform-dev failed: ValidationError: Unrecognized resource types: [AWS::XRay::Group]\u001b[39m',
      '    at FullCloudFormationDeployment.monitorDeployment (/x.js:1:2)',
      'Node.js v20.20.2',
    ].join('\n');
    expect(deployFailureReasons(output)).toEqual([
      '❌  WfloPlatform-dev failed: ValidationError: Unrecognized resource types: [AWS::XRay::Group]',
    ]);
  });

  it('are else the last lines, and never more than the limit', () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    expect(deployFailureReasons(lines.join('\n'), 3)).toEqual(['line 47', 'line 48', 'line 49']);
  });
});

describe('the resources that a deployment still waits for', () => {
  it('are those that were begun and of which nothing else was said', () => {
    const output = [
      'WfloData-dev |  0/16 | 3:32:00 PM | CREATE_IN_PROGRESS      | AWS::CloudFormation::Stack  | WfloData-dev ',
      'WfloData-dev |  4/16 | 3:32:00 PM | CREATE_COMPLETE         | AWS::KMS::Key               | DataKey (DataKey17) ',
      'WfloData-dev |  4/16 | 3:32:00 PM | CREATE_IN_PROGRESS      | AWS::KMS::Key               | DataKey (DataKey17) ',
      'WfloData-dev |  5/16 | 3:32:00 PM | CREATE_IN_PROGRESS      | Custom::S3AutoDeleteObjects | Artefacts/AutoDelete (Artefacts3E) ',
    ].join('\n');
    expect(unfinishedResources(output)).toEqual([
      'Custom::S3AutoDeleteObjects Artefacts/AutoDelete (Artefacts3E) in WfloData-dev',
    ]);
  });
});

describe('an app that refuses to be synthesised', () => {
  const thrown = (code: string) =>
    [
      '/project/lib/project/workflows.ts:127',
      '  return new WfloError(code, `${count} in the workflow definitions`, {',
      '         ^',
      '',
      'WfloError: 2 findings in the workflow definitions',
      'hello: step-1 has no command [invalid_command]',
      '  fix: write one',
      '    at definitionError (/project/lib/project/workflows.ts:127:10)',
      '    at async <anonymous> (/project/bin/app.ts:27:19) {',
      `  code: '${code}',`,
      "  details: { findings: [ { code: 'invalid_command' } ] }",
      '}',
      'Node.js v20.20.2',
    ].join('\n');

  it('is heard with its own code and its whole message', () => {
    expect(uncaughtWfloError(thrown('invalid_definition'))).toEqual({
      code: 'invalid_definition',
      message:
        '2 findings in the workflow definitions\nhello: step-1 has no command [invalid_command]\n  fix: write one',
    });
  });

  it('is not mistaken for a failure of another kind', () => {
    expect(uncaughtWfloError(thrown('not_a_code_of_ours'))).toBeUndefined();
    expect(uncaughtWfloError('TypeError: x is not a function\n    at y\n  code: 1')).toBeUndefined();
  });
});
