import { arn, type Deployed } from './literals.ts';
import { MANAGED_POLICIES } from './managed-policies.ts';

/**
 * - `identity`: of a role; `trust`: who may become it
 * - `resource`: of a queue, topic, bucket, API or function; `key`: of a KMS key
 * - `endpoint`: of a VPC endpoint, which only lets through what others allow
 */
export type PolicyKind = 'identity' | 'trust' | 'resource' | 'key' | 'endpoint';

export interface PolicyStatement {
  /** Names it in the report and in lists of reasons. */
  readonly id: string;
  readonly kind: PolicyKind;
  /** Logical id of what has the policy, without what every policy of its kind has in its name. */
  readonly owner: string;
  readonly sid?: string;
  /** ARN of the role of an identity policy; ref of the endpoint of an endpoint policy. */
  readonly of: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** `service:<name>` or `aws:<ARN or *>`; none in identity policies. */
  readonly principals: readonly string[];
  readonly conditions: Conditions;
}

/** Operator → key → values. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

interface Document {
  readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

/** Every statement of every policy of the templates. */
export function policyStatements(resources: readonly Deployed[]): readonly PolicyStatement[] {
  return resources.flatMap((resource) => {
    const { type, properties, name } = resource;
    switch (type) {
      case 'AWS::IAM::Policy': {
        const roles: readonly string[] = properties.Roles;
        return roles.flatMap((role) => {
          const found = resources.find((each) => each.type === 'AWS::IAM::Role' && each.ref === role);
          if (found === undefined) throw new Error(`${name} is a policy of ${role}, which is no role of the templates`);
          return statements(properties.PolicyDocument, 'identity', role, found.arn);
        });
      }
      case 'AWS::IAM::Role': {
        const managed: readonly string[] = properties.ManagedPolicyArns ?? [];
        const inline: readonly { readonly PolicyDocument: Document }[] = properties.Policies ?? [];
        return [
          ...statements(properties.AssumeRolePolicyDocument, 'trust', `${name} trust`, resource.arn, [resource.arn]),
          ...inline.flatMap(({ PolicyDocument }) => statements(PolicyDocument, 'identity', name, resource.arn)),
          ...managed.flatMap((policy) => statements(managedPolicy(policy), 'identity', name, resource.arn)),
        ];
      }
      case 'AWS::KMS::Key':
        return statements(properties.KeyPolicy, 'key', name, resource.arn, [resource.arn]);
      case 'AWS::SQS::QueuePolicy':
      case 'AWS::SNS::TopicPolicy':
      case 'AWS::S3::BucketPolicy':
        return statements(properties.PolicyDocument, 'resource', name, resource.ref);
      case 'AWS::EC2::VPCEndpoint':
        return statements(properties.PolicyDocument, 'endpoint', name, resource.ref);
      case 'AWS::ApiGateway::RestApi':
        if (properties.Policy === undefined) return [];
        // API Gateway completes `execute-api:/…` with the API that the policy is of.
        return statements(properties.Policy, 'resource', name, resource.ref).map((statement) => ({
          ...statement,
          resources: statement.resources.map((each) => each.replace(/^execute-api:/, arn('execute-api', resource.ref))),
        }));
      case 'AWS::Lambda::Permission':
        return [lambdaPermission(resource)];
      default:
        if (JSON.stringify(properties).includes('"Statement":')) throw new Error(`the policy of a ${type} is not read`);
        return [];
    }
  });
}

function managedPolicy(policyArn: string): Document {
  const found = MANAGED_POLICIES[policyArn];
  if (found === undefined) throw new Error(`what ${policyArn} allows is not known here`);
  return found;
}

function statements(
  document: Document | undefined,
  kind: PolicyKind,
  owner: string,
  of: string,
  onlyResources?: readonly string[],
): PolicyStatement[] {
  return (document?.Statement ?? []).map((statement) => {
    const { Sid, Effect, Action, Resource, Principal, Condition, ...unknown } = statement;
    if (Object.keys(unknown).length > 0)
      throw new Error(`${owner} has ${Object.keys(unknown)}, which is not evaluated`);
    const actions = list(Action);
    // Statement numbers would move with every grant: an allowing one is named by what it is for.
    const sid = Sid === undefined || /^\d+$|^AllowEventRule/.test(String(Sid)) ? undefined : String(Sid);
    return {
      id: `${shortOwner(owner)}: ${sid ?? described(statement)}`,
      kind,
      owner: shortOwner(owner),
      ...(sid === undefined ? {} : { sid }),
      of,
      effect: Effect === 'Deny' ? 'Deny' : 'Allow',
      actions,
      resources: onlyResources ?? list(Resource),
      principals: principalsOf(Principal),
      conditions: conditionsOf(Condition),
    };
  });
}

function shortOwner(owner: string): string {
  return owner
    .replace(/Role$/, '')
    .replace(/Role trust$/, ' trust')
    .replace(/Policy$/, '');
}

function described({ Effect, Action, Resource, Condition }: Readonly<Record<string, unknown>>): string {
  const on = list(Resource).map(shortArn);
  const condition = conditionText(conditionsOf(Condition));
  return [
    Effect === 'Deny' ? 'deny' : '',
    list(Action).join(' '),
    on.length === 0 ? '' : `on ${on.join(', ')}`,
    condition === '' ? '' : `if ${condition}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

export function conditionText(conditions: Conditions): string {
  return Object.values(conditions)
    .flatMap((keys) => Object.entries(keys).map(([key, values]) => `${key}=${values.map(shortArn).join('|')}`))
    .join(' ');
}

export function shortArn(text: string): string {
  return text.replace(/^arn:aws:([a-z0-9-]+):[a-z0-9-]*:\d*:/, '$1:');
}

/** Lambda writes the source of a permission into the policy of the function as `ArnLike`. */
function lambdaPermission({ properties, name }: Deployed): PolicyStatement {
  const target = String(properties.FunctionName);
  const functionArn = target.startsWith('arn:') ? target : arn('lambda', `function:${target}`);
  const owner = `function ${shortArn(functionArn).replace(/^lambda:function:/, '')}`;
  return {
    id: `${owner}: ${properties.Principal}`,
    kind: 'resource',
    owner,
    of: name,
    effect: 'Allow',
    actions: [properties.Action],
    resources: [functionArn],
    principals: [`service:${properties.Principal}`],
    conditions: properties.SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': [properties.SourceArn] } },
  };
}

function principalsOf(principal: unknown): string[] {
  if (principal === undefined) return [];
  if (principal === '*') return ['aws:*'];
  return Object.entries(principal as Record<string, unknown>).flatMap(([kind, values]) =>
    list(values).map((value) => `${kind.toLowerCase()}:${value}`),
  );
}

function conditionsOf(condition: unknown): Conditions {
  return Object.fromEntries(
    Object.entries((condition ?? {}) as Record<string, Record<string, unknown>>).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, list(values)])),
    ]),
  );
}

function list(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
