import { ACCOUNT, REGION } from './literals.ts';
import type { Conditions, PolicyStatement } from './policies.ts';

/** One call as AWS decides it. */
export interface Call {
  /** `service:<name>` acts in its own name, `role:<ARN>` is a role, `anyone` has no credentials. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
  /** VPC endpoint that it goes through. */
  readonly through?: string;
  /** What makes it. */
  readonly because: string;
  /** The state of a machine, or the port of a function. */
  readonly at?: string;
}

/** What AWS itself lets anyone do who has a URL that it signed: no statement of ours. */
const OUTSIDE: PolicyStatement = {
  id: 'the bucket of ECR',
  kind: 'resource',
  owner: 'the bucket of ECR',
  of: 'AWS',
  effect: 'Allow',
  actions: ['s3:GetObject'],
  resources: [`arn:aws:s3:::prod-${REGION}-starport-layer-bucket/*`],
  principals: ['aws:*'],
  conditions: {},
};

export interface Decision {
  readonly allowed: boolean;
  /** The statements that allow it together, or the one that denies it. */
  readonly by: readonly PolicyStatement[];
}

/**
 * As IAM evaluates within one account: an explicit deny wins; a service needs the resource's policy, a role its own or
 * the resource's. A key is the exception: what a role may do counts only where the key policy delegates to IAM. A VPC
 * endpoint must let the call through besides.
 */
export function decide(call: Call, statements: readonly PolicyStatement[]): Decision {
  const matching = [...statements, OUTSIDE].filter((statement) => matches(statement, call));
  const denied = matching.find(({ effect }) => effect === 'Deny');
  if (denied !== undefined) return { allowed: false, by: [denied] };
  const find = (...kinds: PolicyStatement['kind'][]) =>
    matching.find((statement) => kinds.includes(statement.kind) && !delegates(statement));
  const own = find('identity');
  const named = find('resource', 'key', 'trust');
  const delegated = matching.find((statement) => statement.kind === 'key' && delegates(statement));
  const granted =
    own === undefined || named !== undefined ? [named] : call.action.startsWith('kms:') ? [own, delegated] : [own];
  const needed = call.through === undefined ? granted : [...granted, find('endpoint')];
  const by = needed.filter((statement) => statement !== undefined);
  return { allowed: by.length === needed.length, by };
}

const ROOT = `aws:arn:aws:iam::${ACCOUNT}:root`;

function delegates({ principals }: PolicyStatement): boolean {
  return principals.includes(ROOT);
}

function matches(statement: PolicyStatement, call: Call): boolean {
  return (
    appliesTo(statement, call) &&
    statement.actions.some((action) => like(action.toLowerCase(), call.action.toLowerCase())) &&
    statement.resources.some((resource) => like(resource, call.resource)) &&
    holds(statement.conditions, call.context)
  );
}

function appliesTo({ kind, of, principals }: PolicyStatement, { principal, through }: Call): boolean {
  if (kind === 'identity') return principal === `role:${of}`;
  if (kind === 'endpoint' && of !== through) return false;
  return principals.some(
    (each) =>
      each === 'aws:*' ||
      each === principal ||
      (each === ROOT && principal.startsWith('role:')) ||
      each.replace('aws:', 'role:') === principal,
  );
}

/** Operators that the templates use; another one must be added before it can be judged. */
const OPERATORS: Readonly<Record<string, (wanted: string, found: string) => boolean>> = {
  StringEquals: (wanted, found) => wanted === found,
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: (wanted, found) => wanted === found,
  NumericLessThan: (wanted, found) => Number(found) < Number(wanted),
};

function holds(conditions: Conditions, context: Readonly<Record<string, string>>): boolean {
  return Object.entries(conditions).every(([name, keys]) => {
    const ifExists = name.endsWith('IfExists');
    const operator = OPERATORS[name.replace(/IfExists$/, '')];
    if (operator === undefined) throw new Error(`the condition operator ${name} is not known`);
    return Object.entries(keys).every(([key, wanted]) => {
      const found = context[key];
      return found === undefined ? ifExists : wanted.some((each) => operator(each, found));
    });
  });
}

/** `*` stands for any characters, `?` for one. */
export function like(pattern: string, text: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 's').test(text);
}
