import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const ADAPTERS = 'lib/deployment/aws';
/** Calls on the data of a stage, which a deployment never makes. */
const DESTROY = [`${ADAPTERS}/stage-data.ts`];
const DEPLOY = [
  ...readdirSync(join(root, ADAPTERS)).map((file) => `${ADAPTERS}/${file}`),
  'lib/local-cloud/deployment-parameters.ts',
  'lib/cli/target.ts',
].filter((file) => !DESTROY.includes(file));

/** Service of an SDK client in IAM, where the names differ. */
const SERVICES: Readonly<Record<string, string>> = { 'cloudwatch-logs': 'logs', eventbridge: 'events', sfn: 'states' };
/** Operations of S3 whose permission has another name, or several. */
const S3: Readonly<Record<string, readonly string[]>> = {
  ListObjectsV2: ['ListBucket'],
  ListObjectVersions: ['ListBucketVersions'],
  DeleteObjects: ['DeleteObject', 'DeleteObjectVersion'],
};

/** IAM actions of the SDK commands and paginators that a file imports. */
function actionsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const imports = [
    ...text.matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g),
    ...text.matchAll(/\{([^{}]*)\}[^{};]*= await import\('@aws-sdk\/client-([a-z0-9-]+)'\)/g),
    ...text.matchAll(/\[\{([^{}]*)\}.*\] = await Promise\.all\(\[\s*import\('@aws-sdk\/client-([a-z0-9-]+)'\)/g),
  ];
  return imports.flatMap(([, names = '', client = '']) => {
    const service = SERVICES[client] ?? client;
    const operations = [...names.matchAll(/\b(?:paginate(\w+)|(\w+)Command)\b/g)].map(
      (match) => match[1] ?? match[2] ?? '',
    );
    return operations.flatMap((operation) =>
      (service === 's3' ? (S3[operation] ?? [operation]) : [operation]).map((action) => `${service}:${action}`),
    );
  });
}

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

function statementsOf(policy: string): readonly Statement[] {
  return (JSON.parse(readFileSync(join(root, 'docs/guides/examples', policy), 'utf8')) as { Statement: Statement[] })
    .Statement;
}

const allowed = (statements: readonly Statement[]) => [...new Set(statements.flatMap(({ Action }) => Action))].sort();
const used = (files: readonly string[], more: readonly string[]) =>
  [...new Set([...files.flatMap(actionsOf), ...more])].sort();

describe('the policies of the CI/CD guide', () => {
  it('deploy with exactly the calls that a deployment makes', () => {
    // The roles of CDK, the control API, and the key that definitions are read with: no commands of an SDK client here.
    const more = ['sts:AssumeRole', 'execute-api:Invoke', 'kms:Decrypt'];
    expect(allowed(statementsOf('deploy-policy.json'))).toEqual(used(DEPLOY, more));
  });

  it('destroy with those and exactly the calls on the data', () => {
    const roles = ['iam:DeleteRole', 'iam:DeleteRolePolicy', 'iam:ListRolePolicies'];
    expect(allowed(statementsOf('destroy-policy.json'))).toEqual(used(DESTROY, roles));
  });

  it('name the stage in every statement that AWS lets name anything', () => {
    const unnamed = [...statementsOf('deploy-policy.json'), ...statementsOf('destroy-policy.json')].filter(
      (statement) => [statement.Resource].flat().some((resource) => resource === '*'),
    );
    expect(unnamed.map(({ Sid }) => Sid)).toEqual(['ListWhatHasNoResource', 'DeregisterTaskDefinitions']);
    const removing = unnamed.flatMap(({ Action }) => Action).filter((action) => !/:(List|Describe)/.test(action));
    expect(removing).toEqual(['ecs:DeregisterTaskDefinition']);
  });
});
