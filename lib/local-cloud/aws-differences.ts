/** What a user may stumble over: the local AWS against AWS. One line each, shown by `wflo local status`. */
export const DIFFERS_FROM_AWS: readonly string[] = [
  'Sandboxes run on this machine, not on Fargate; what is enforced of their limits is listed under isolation.',
  'Functions run as processes of this machine with its Node; their memory is not limited.',
  'IAM is enforced on API calls; what a service does on behalf of a role (Step Functions, rules, streams) is not checked.',
  'Executions that run while the local AWS is stopped are failed when it starts again.',
  'State is written at `wflo local down`; what changed since the last start is lost when the process is killed.',
  'There is no network isolation between resources: VPC, subnets, endpoints and security groups are only recorded.',
  'Limits of size (256 KiB of state, 6 MB to a function) are those of our own checks, not of the services.',
];
