import { Fn, type Stack } from 'aws-cdk-lib';
import { WfloError } from '../../errors.ts';

/** What stands for each placeholder of a compiled workflow, by its name without `${}`. */
export type PlaceholderValues = Readonly<Record<string, readonly string[]>>;

const PLACEHOLDER = /\$\{([A-Za-z0-9_]+)\}/g;

/** Placeholders that occur in a text, each once, sorted. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name]) => name ?? ''))].sort();
}

/**
 * ARNs that a resource of a compiled permission stands for: one per value of its placeholder. In a literal ARN the
 * wildcards for region and account become those of the stack.
 */
export function resourcesOf(stack: Stack, resource: string, values: PlaceholderValues): string[] {
  const [name] = placeholdersOf(resource);
  if (name === undefined) return [ownArn(stack, resource)];
  const arns = values[name];
  if (arns === undefined || resource !== `\${${name}}`) {
    throw new WfloError('internal', `a compiled permission names ${resource}, and nothing is known to stand for it`);
  }
  return [...arns];
}

function ownArn(stack: Stack, arn: string): string {
  const [prefix, , service, region, account, ...rest] = arn.split(':');
  if (prefix !== 'arn' || service === undefined) return arn;
  return [
    prefix,
    stack.partition,
    service,
    region === '*' ? stack.region : (region ?? ''),
    account === '*' ? stack.account : (account ?? ''),
    ...rest,
  ].join(':');
}

/** One text of several values, as `Subnets` takes them. */
export function joined(values: readonly string[]): string {
  return Fn.join(',', [...values]);
}
