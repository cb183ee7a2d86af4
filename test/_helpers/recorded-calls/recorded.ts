import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ACCOUNT, nameOf, REGION } from '../permissions/literals.ts';

const root = resolve(import.meta.dirname, '../../..');
/** What every function role called in a whole run of the end-to-end tests: one call a line, sorted. */
export const SUMMARY = resolve(import.meta.dirname, '../../_fixtures/recorded-calls.txt');

/** A line of the file that the local AWS writes. */
export interface Recorded {
  /** As deployed. */
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  /** By a URL that the role signed. */
  readonly presigned: boolean;
  readonly allowed: boolean;
}

/** A call as it is in every run: names as in the templates, ids as `any`. */
export interface RecordedCall {
  /** Logical id of the role without what CDK adds. */
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly presigned: boolean;
}

/** What was deployed, by what CloudFormation calls it. */
export interface DeployedNames {
  /** Physical name → logical id. */
  readonly roles: ReadonlyMap<string, string>;
  readonly tables: ReadonlyMap<string, string>;
  readonly buckets: ReadonlyMap<string, string>;
}

export function readRecording(file: string): readonly Recorded[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded);
}

/** The allowed calls of the roles of this project, but for those of workflows that only the tests have. */
export function normalise(recorded: readonly Recorded[], names: DeployedNames): readonly string[] {
  const workflows = readdirSync(resolve(root, 'state-machines'));
  const lines = recorded.flatMap(({ role, action, resource, presigned, allowed }) => {
    const logicalId = names.roles.get(role);
    if (!allowed || logicalId === undefined) return [];
    const call = { role: nameOf(logicalId), action, resource: stable(resource, names), presigned };
    return isOfTests(call, workflows) ? [] : [lineOf(call)];
  });
  return [...new Set(lines)].sort();
}

function stable(resource: string, names: DeployedNames): string {
  const [partition = '', aws = '', service = '', region = '', account = '', ...rest] = resource.split(':');
  if (partition !== 'arn') return resource;
  const tail = stableTail(service, rest.join(':').replaceAll('000000000000', ACCOUNT), names);
  // The stage of the tests is another than that of the templates.
  const named = tail.replace(/(^|[:/])wflo([-/])[a-z0-9]+/, '$1wflo$2dev');
  return [partition, aws, service, region === '' ? '' : REGION, account === '' ? '' : ACCOUNT, named].join(':');
}

function stableTail(service: string, tail: string, names: DeployedNames): string {
  switch (service) {
    case 'dynamodb':
      return tail.replace(/^table\/([^/]+)/, (_, table: string) => `table/${nameOf(names.tables.get(table) ?? table)}`);
    case 's3': {
      const [bucket = '', prefix, ...key] = tail.split('/');
      const logicalId = names.buckets.get(bucket);
      // The bucket of `cdk bootstrap` has archives by their hash and no prefixes.
      if (logicalId === undefined) return `${bucket.replace('us-east-1', REGION)}/any`;
      const name = nameOf(logicalId).toLowerCase();
      if (prefix === undefined) return name;
      return key.length === 0 ? `${name}/any` : `${name}/${prefix}/any`;
    }
    case 'logs':
      return tail.replace(/:log-stream:.*$/, ':log-stream:any');
    case 'secretsmanager':
      // Secrets Manager adds six characters to the name.
      return tail.replace(/-[A-Za-z0-9]{6}$/, '-suffix');
    case 'ecs':
      return tail.replace(/^(task\/[^/]+)\/.*$/, '$1/id');
    case 'states':
      return tail
        .replace(/^(stateMachine:wflo-[a-z0-9]+)-.*$/, '$1-any')
        .replace(/^(execution:wflo-[a-z0-9]+)-.*$/, '$1-any:any');
    default:
      return tail;
  }
}

function isOfTests({ role, resource }: RecordedCall, workflows: readonly string[]): boolean {
  const step = /:function:wflo-dev-step-(.*)$/.exec(resource)?.[1];
  return (
    (step !== undefined && !workflows.some((name) => step.startsWith(`${name}-`))) ||
    (role.startsWith('Workflow') && !workflows.some((name) => role.startsWith(`Workflow${name.replaceAll('-', '')}`)))
  );
}

const BY_URL = ' by a URL';

/** A line of the summary. */
export function lineOf({ role, action, resource, presigned }: RecordedCall): string {
  return `${role} ${action} ${resource}${presigned ? BY_URL : ''}`;
}

/** The committed calls. */
export function recordedCalls(): readonly RecordedCall[] {
  return summary().map((line) => {
    const presigned = line.endsWith(BY_URL);
    const [role = '', action = '', resource = ''] = line.split(' ');
    return { role, action, resource, presigned };
  });
}

export function summary(): readonly string[] {
  return readFileSync(SUMMARY, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Some calls depend on who was faster, so those of one run are added to those of the others. */
export function addToSummary(lines: readonly string[]): void {
  writeFileSync(SUMMARY, `${[...new Set([...summary(), ...lines])].sort().join('\n')}\n`);
}
