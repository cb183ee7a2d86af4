import type { SynthesisedStage } from '../synthesised-stage.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

/** ARN of a resource of the made-up account and region that the templates are resolved for. */
export function arn(service: string, rest: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** A resource with every reference in its properties replaced by what it would be once deployed. */
export interface Deployed {
  readonly stack: string;
  /** Logical id without CDK's hash. */
  readonly name: string;
  readonly type: string;
  readonly ref: string;
  /** The attribute `Arn`, or the reference where that is the ARN. */
  readonly arn: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of any resource type, as the template has them
  readonly properties: any;
}

interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** All resources of a stage as they would be deployed. Throws on a reference that it cannot resolve. */
export function deployedResources(stage: SynthesisedStage): readonly Deployed[] {
  const exported = new Map<string, { readonly stack: string; readonly value: unknown }>();
  for (const [stack, template] of Object.entries(stage.templates)) {
    for (const output of Object.values((template.toJSON().Outputs ?? {}) as Record<string, OutputOf>)) {
      if (output.Export !== undefined) exported.set(String(output.Export.Name), { stack, value: output.Value });
    }
  }
  const byId = new Map(stage.resources.map((resource) => [`${resource.stack}/${resource.id}`, resource]));
  const identities = new Map<string, Identity>();

  function identityOf(stack: string, id: string): Identity {
    const key = `${stack}/${id}`;
    const known = identities.get(key);
    if (known !== undefined) return known;
    const resource = byId.get(key);
    if (resource === undefined) throw new Error(`nothing is called ${id} in the template of ${stack}`);
    const physicalName = (property: string) => {
      const value = resource.Properties?.[property];
      return value === undefined ? nameOf(id) : String(literal(stack, value));
    };
    const path = String(literal(stack, resource.Properties?.Path ?? '/'));
    const made = identify(resource.Type, physicalName, nameOf(id), path);
    identities.set(key, made);
    return made;
  }

  function literal(stack: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => literal(stack, each));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[name, argument] = ['', undefined]] = entries;
    if (entries.length === 1) {
      if (name === 'Ref') return PSEUDO[String(argument)] ?? identityOf(stack, String(argument)).ref;
      if (name === 'Fn::GetAtt') return attribute(stack, argument as [string, string]);
      if (name === 'Fn::ImportValue') {
        const found = exported.get(String(argument));
        if (found === undefined) throw new Error(`nothing exports ${argument}`);
        return literal(found.stack, found.value);
      }
      if (name === 'Fn::Join') {
        const [separator, parts] = argument as [string, unknown[]];
        return parts.map((part) => String(literal(stack, part))).join(separator);
      }
      if (name === 'Fn::Sub' && typeof argument === 'string') {
        return argument.replace(/\$\{([^}]+)\}/g, (_, ref: string) => PSEUDO[ref] ?? identityOf(stack, ref).ref);
      }
      // Zones and prefix lists: in no policy.
      if (['Fn::Select', 'Fn::GetAZs', 'Fn::FindInMap'].includes(name)) return JSON.stringify(value);
      if (name.startsWith('Fn::')) throw new Error(`${name} is not resolved`);
    }
    return Object.fromEntries(entries.map(([key, each]) => [key, literal(stack, each)]));
  }

  function attribute(stack: string, [id, name]: [string, string]): string {
    const found = identityOf(stack, id).attributes[name];
    return found ?? `${nameOf(id)}.${name}`;
  }

  return stage.resources.map(({ stack, id, Type, Properties }) => {
    const { ref, attributes } = identityOf(stack, id);
    const properties = literal(stack, Properties ?? {});
    return { stack, name: nameOf(id), type: Type, ref, arn: attributes.Arn ?? ref, properties };
  });
}

interface OutputOf {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
}

/** A logical id without what CDK adds, and of a role without the hash of what it may do. */
export function nameOf(id: string): string {
  return id.replace(/(?<=Role)[0-9a-fA-F]{8,}$|[0-9A-F]{8}$/, '');
}

/** What `Ref` and the attributes in use give of each type, from the CloudFormation template reference. */
function identify(type: string, physicalName: (property: string) => string, id: string, path: string): Identity {
  const withArn = (ref: string, Arn: string, more = {}): Identity => ({ ref, attributes: { Arn, ...more } });
  const named = (property: string, service: string, prefix: string, separator = '/'): Identity => {
    const name = physicalName(property);
    return withArn(name, arn(service, `${prefix}${separator}${name}`));
  };
  switch (type) {
    case 'AWS::IAM::Role':
      return withArn(physicalName('RoleName'), `arn:aws:iam::${ACCOUNT}:role${path}${physicalName('RoleName')}`);
    case 'AWS::Lambda::Function':
      return named('FunctionName', 'lambda', 'function', ':');
    case 'AWS::Lambda::Version':
      return {
        ref: `${physicalName('FunctionName').replace(/^(?!arn:)/, arn('lambda', 'function:'))}:1`,
        attributes: {},
      };
    case 'AWS::DynamoDB::Table': {
      const table = named('TableName', 'dynamodb', 'table');
      return withArn(table.ref, String(table.attributes.Arn), { StreamArn: `${table.attributes.Arn}/stream/first` });
    }
    case 'AWS::SQS::Queue': {
      const name = physicalName('QueueName');
      return withArn(`https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`, arn('sqs', name));
    }
    case 'AWS::SNS::Topic':
      return { ref: arn('sns', physicalName('TopicName')), attributes: {} };
    case 'AWS::KMS::Key':
      return withArn(id, arn('kms', `key/${id}`));
    case 'AWS::S3::Bucket': {
      const name = physicalName('BucketName').toLowerCase();
      return withArn(name, `arn:aws:s3:::${name}`);
    }
    case 'AWS::Logs::LogGroup': {
      const name = physicalName('LogGroupName');
      return withArn(name, `${arn('logs', `log-group:${name}`)}:*`);
    }
    case 'AWS::Events::EventBus':
      return named('Name', 'events', 'event-bus');
    case 'AWS::Events::Rule':
      return named('Name', 'events', 'rule');
    case 'AWS::ECS::Cluster':
      return named('ClusterName', 'ecs', 'cluster');
    case 'AWS::ECS::TaskDefinition':
      return { ref: arn('ecs', `task-definition/${physicalName('Family')}:9`), attributes: {} };
    case 'AWS::StepFunctions::StateMachine':
      return { ref: arn('states', `stateMachine:${physicalName('StateMachineName')}`), attributes: {} };
    case 'AWS::ApiGateway::Stage':
      return { ref: physicalName('StageName'), attributes: {} };
    case 'AWS::CloudWatch::Alarm':
      return withArn(physicalName('AlarmName'), arn('cloudwatch', `alarm:${physicalName('AlarmName')}`));
    default:
      return { ref: id, attributes: {} };
  }
}
