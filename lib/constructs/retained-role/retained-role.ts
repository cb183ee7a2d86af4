import { Lazy, Stack } from 'aws-cdk-lib';
import {
  type AddToPrincipalPolicyResult,
  PolicyDocument,
  type PolicyStatement,
  Role,
  type ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { canonicalJson, sha256 } from '../../json.ts';
import { type Deployment, removalPolicy } from '../deployment/deployment.ts';
import { retainOnReplacement } from '../deployment/retain-on-replacement.ts';

export interface RetainedRoleProps {
  readonly deployment: Deployment;
  readonly assumedBy: ServicePrincipal;
  readonly description: string;
}

/** Hex digits that name a policy: a role is told from the one before it, nothing more. */
const HASH = 12;

/**
 * A role whose policy never changes: an update with another policy makes another role, and the one before stays for the
 * executions and function versions that run with it. The policy is part of the role, and its hash of the role's path,
 * a change of which CloudFormation answers with a replacement.
 */
export class RetainedRole extends Role {
  /** Names the policy. Known only when all grants are made, so a token. */
  readonly policyHash: string;
  private readonly own: PolicyDocument;

  constructor(scope: Construct, id: string, { deployment, assumedBy, description }: RetainedRoleProps) {
    const own = new PolicyDocument();
    const policyHash = Lazy.uncachedString({
      // Asked for often: not while CDK only looks for references, and without the merging that the document does.
      produce: ({ preparing }) =>
        preparing
          ? '0'.repeat(HASH)
          : sha256(canonicalJson(Stack.of(scope).resolve(own.toJSON()) ?? {})).slice(0, HASH),
    });
    super(scope, id, {
      assumedBy,
      description,
      path: `${retainedRolePath(deployment.stage)}${policyHash}/`,
      inlinePolicies: { Own: own },
    });
    this.own = own;
    this.policyHash = policyHash;
    retainOnReplacement(this, removalPolicy(deployment));
  }

  override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    this.own.addStatements(statement);
    return { statementAdded: true, policyDependable: this };
  }
}

/** Below which all retained roles of a stage are found, those of earlier deployments too. */
export function retainedRolePath(stage: string): string {
  return `/wflo/${stage}/workflows/`;
}
