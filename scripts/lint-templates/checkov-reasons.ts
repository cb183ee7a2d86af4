/**
 * Every finding of checkov that stands, with its reason: the one list to review. What is not here is fixed in the
 * template, and an entry that no finding needs any more fails `npm run lint:templates`.
 */
export interface CheckovReason {
  /** Such as `CKV_AWS_18`. */
  readonly check: string;
  /** Of the whole `<type>.<logical id>`. */
  readonly resource: RegExp;
  /** A text, or the rule of cdk-nag that asks the same: its reason stands beside the construct, and must be there. */
  readonly reason: string | { readonly sameAs: `AwsSolutions-${string}` };
}

const FUNCTIONS = /^AWS::Lambda::Function\.\w+$/;

export const CHECKOV_REASONS: readonly CheckovReason[] = [
  {
    check: 'CKV_AWS_18',
    resource: /^AWS::S3::Bucket\.Artefacts\w+$/,
    reason: { sameAs: 'AwsSolutions-S1' },
  },
  {
    check: 'CKV_AWS_59',
    resource: /^AWS::ApiGateway::Method\.SandboxApi\w+(POST|GET)\w+$/,
    reason: { sameAs: 'AwsSolutions-APIG4' },
  },
  {
    check: 'CKV_AWS_65',
    resource: /^AWS::ECS::Cluster\.Sandboxes\w+$/,
    reason: { sameAs: 'AwsSolutions-ECS4' },
  },
  {
    check: 'CKV_AWS_111',
    // Roles of state machines, and not those of step functions.
    resource: /^AWS::IAM::Role\.Workflow(?!\w*Step)\w+Role[0-9A-F]{8}$/,
    reason:
      'log deliveries and traces have no resources to name, and the ids of tasks are unknown before they run; ' +
      'permissions.test.ts lists the actions that a policy may grant on all resources, and allows no other',
  },
  {
    check: 'CKV_AWS_115',
    resource: FUNCTIONS,
    reason:
      'a reserved share is taken from the account, and one whose quota is still ten has none to give, so the deployment would fail; ' +
      'what starts executions is bounded by maxConcurrent and the throttling of the APIs, and a throttled call is repeated',
  },
  {
    check: 'CKV_AWS_116',
    resource: FUNCTIONS,
    reason:
      'a dead-letter queue serves asynchronous calls alone: end-execution has a destination instead, which also tells the error; ' +
      'reconcile runs again within the minute; all others are called by something that sees their failure',
  },
  {
    check: 'CKV_AWS_117',
    resource: FUNCTIONS,
    reason:
      'they call public endpoints of AWS with IAM and nothing inside a network; a VPC would add endpoints or a way to the internet, ' +
      'and put them beside the sandboxes that they keep watch on',
  },
  {
    check: 'CKV_AWS_120',
    resource: /^AWS::ApiGateway::Stage\.(SandboxApi|ControlApi)\w+$/,
    reason: 'every answer depends on who asks and on the state of this moment; a cache would show it to somebody else',
  },
  {
    check: 'CKV_AWS_173',
    resource: FUNCTIONS,
    reason:
      'these are names of tables, buckets and functions, encrypted at rest by Lambda; nothing secret is among them (functions.test.ts), ' +
      'and a key of our own would make every cold start depend on KMS',
  },
];
