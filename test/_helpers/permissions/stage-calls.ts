import type { Call } from './evaluate.ts';
import { ACCOUNT, type Deployed, REGION } from './literals.ts';

/** The deployed stage, as the derivations look things up in it. */
export class DeployedStage {
  readonly resources: readonly Deployed[];

  constructor(resources: readonly Deployed[]) {
    this.resources = resources;
  }

  ofType(type: string): readonly Deployed[] {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The resource of this type with this ARN or reference. */
  find(type: string, named: string): Deployed {
    const found = this.ofType(type).find((resource) => resource.arn === named || resource.ref === named);
    if (found === undefined) throw new Error(`no ${type} is ${named}`);
    return found;
  }

  roleOfFunction(named: string): string {
    return `role:${this.find('AWS::Lambda::Function', named).properties.Role}`;
  }
}

export const VIA = (service: string) => ({ 'kms:ViaService': `${service}.${REGION}.amazonaws.com` });

/** Calls of one principal that differ in action and resource only. */
export function calls(
  because: string,
  principal: string,
  actions: readonly string[],
  resource: string,
  context: Readonly<Record<string, string>> = {},
): Call[] {
  return actions.map((action) => ({ because, principal, action, resource, context }));
}

/** A service becomes the role, and tells for which resource where it documents that it does. */
export function assumed(because: string, service: string, roleArn: string, source?: string): Call[] {
  const context = source === undefined ? {} : { 'aws:SourceArn': source, 'aws:SourceAccount': ACCOUNT };
  return calls(because, `service:${service}`, ['sts:AssumeRole'], roleArn, context);
}

/**
 * A message to an encrypted queue: SQS uses the key in the name of the sender, with the queue as encryption context.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 */
export function sent(
  stage: DeployedStage,
  because: string,
  principal: string,
  queueArn: string,
  context: Readonly<Record<string, string>> = {},
): Call[] {
  const key = stage.find('AWS::SQS::Queue', queueArn).properties.KmsMasterKeyId;
  return [
    ...calls(because, principal, ['sqs:SendMessage'], queueArn, context),
    ...calls(because, principal, ['kms:GenerateDataKey', 'kms:Decrypt'], key, {
      ...(principal.startsWith('role:') ? VIA('sqs') : {}),
      'kms:EncryptionContext:aws:sqs:arn': queueArn,
    }),
  ];
}
