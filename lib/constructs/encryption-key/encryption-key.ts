import { RemovalPolicy } from 'aws-cdk-lib';
import { AccountRootPrincipal, Effect, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment/deployment.ts';
import { protectedRemovalPolicy } from '../deployment/deployment.ts';

/** A service that uses the key in its own name, and the condition that ties it to our resources. */
export interface KeyUser {
  readonly sid: string;
  readonly service: string;
  readonly actions: readonly string[];
  readonly conditions: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface EncryptionKeyProps {
  readonly deployment: Deployment;
  /** Second part of the alias `wflo-<stage>/<purpose>`. */
  readonly purpose: string;
  readonly description: string;
  readonly users: readonly KeyUser[];
}

/**
 * A customer key with yearly rotation. Its policy delegates to IAM (the account root) and names every service that
 * acts in its own name; a caller that works through a service needs its own grant, bound by `kms:ViaService`.
 */
export class EncryptionKey extends Key {
  constructor(scope: Construct, id: string, props: EncryptionKeyProps) {
    super(scope, id, {
      description: props.description,
      enableKeyRotation: true,
      // A key that is gone makes everything unreadable, also what was retained and what is in backups.
      removalPolicy: protectedRemovalPolicy(props.deployment),
      policy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: 'DelegateToIam',
            effect: Effect.ALLOW,
            principals: [new AccountRootPrincipal()],
            actions: ['kms:*'],
            resources: ['*'],
          }),
          ...props.users.map(
            (user) =>
              new PolicyStatement({
                sid: user.sid,
                effect: Effect.ALLOW,
                principals: [new ServicePrincipal(user.service)],
                actions: [...user.actions],
                resources: ['*'],
                conditions: user.conditions,
              }),
          ),
        ],
      }),
    });
    new Alias(this, 'Alias', {
      aliasName: `alias/wflo-${props.deployment.stage}/${props.purpose}`,
      targetKey: this,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
