/** What a definition of a state machine names, and what it runs as. Open executions need all of it until they end. */
export interface NamedThings {
  /** Qualified ARNs of function versions. */
  readonly versions: readonly string[];
  /** ARNs of task definition revisions. */
  readonly revisions: readonly string[];
  /** Hashes of agent code. */
  readonly code: readonly string[];
  /** Names of IAM roles. */
  readonly roles: readonly string[];
}

export const NOTHING: NamedThings = { versions: [], revisions: [], code: [], roles: [] };

const VERSION = /arn:[a-z-]+:lambda:[a-z0-9-]+:\d+:function:[A-Za-z0-9_-]+:\d+/g;
const REVISION = /arn:[a-z-]+:ecs:[a-z0-9-]+:\d+:task-definition\/[A-Za-z0-9_-]+:\d+/g;
const HASH = /\b[0-9a-f]{64}\b/g;

/**
 * Found in the text and not in its structure, so that nothing is overlooked that stands in a configuration, which is
 * JSON within JSON. A hash that is no code is named in vain, and harms nobody.
 */
export function namedIn(definition: string, roleArn: string): NamedThings {
  return {
    versions: all(definition, VERSION),
    revisions: all(definition, REVISION),
    code: all(definition, HASH),
    roles: [roleNameOf(roleArn)],
  };
}

export function union(things: readonly NamedThings[]): NamedThings {
  return {
    versions: [...new Set(things.flatMap(({ versions }) => versions))],
    revisions: [...new Set(things.flatMap(({ revisions }) => revisions))],
    code: [...new Set(things.flatMap(({ code }) => code))],
    roles: [...new Set(things.flatMap(({ roles }) => roles))],
  };
}

/** The name is the last part of an ARN, after its path. */
export function roleNameOf(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1);
}

function all(text: string, pattern: RegExp): string[] {
  return [...new Set(text.match(pattern) ?? [])];
}
