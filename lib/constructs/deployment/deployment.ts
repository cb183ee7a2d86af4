import { RemovalPolicy } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';
import { WfloError } from '../../errors.ts';
import { PRICES_KEY, pricesFileOf } from '../../project/project-prices.ts';

/** The settings of one deployment, from the `wflo:*` context of `cdk.json` and `-c`. */
export interface Deployment {
  /** Part of every name; `dev` alone may lose data when it is destroyed. */
  readonly stage: string;
  readonly network: 'private' | 'open';
  readonly availabilityZones: 1 | 2;
  /** Of functions and sandboxes alike. */
  readonly architecture: 'X86_64' | 'ARM64';
  /** `assets`: the images of `sandbox-images/` are built and pushed. `named`: `wflo/<image>:local`, nothing is built. */
  readonly images: 'assets' | 'named';
  /** How long the records of an execution are kept after their last write. */
  readonly retentionDays: number;
  /** JSON file with prices of this deployment, relative to the project; they are in the bundles of the functions. */
  readonly prices?: string;
  /** Base URL of an emulator without a trailing slash; absent on AWS. */
  readonly endpoint?: string;
  /** Base URL of a gateway beside the emulator, which has no streams; absent on AWS. */
  readonly modelsUrl?: string;
  /** Model calls at the same time, at most and at least; absent: what the account has left. New accounts have 10 of all functions. */
  readonly gatewayConcurrency?: number;
  /** Log group of this account and region to which Bedrock logs model invocations; absent: nobody looks there. */
  readonly bedrockLogGroup?: string;
}

const CHOICES = {
  'wflo:network': ['private', 'open'],
  'wflo:architecture': ['X86_64', 'ARM64'],
  'wflo:images': ['assets', 'named'],
} as const;

/** Reads and checks the settings. Throws `invalid_settings` with the key, the value and what is allowed. */
export function readDeployment(node: Node): Deployment {
  const endpoint = readEndpoint(node);
  const modelsUrl = readModelsUrl(node, endpoint);
  const gatewayConcurrency = readGatewayConcurrency(node);
  const bedrockLogGroup = readBedrockLogGroup(node);
  const prices = pricesFileOf(node.tryGetContext(PRICES_KEY));
  return {
    stage: readStage(node),
    network: readChoice(node, 'wflo:network'),
    availabilityZones: readAvailabilityZones(node),
    architecture: readChoice(node, 'wflo:architecture'),
    images: readChoice(node, 'wflo:images'),
    retentionDays: readRetentionDays(node),
    ...(prices === undefined ? {} : { prices }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(modelsUrl === undefined ? {} : { modelsUrl }),
    ...(gatewayConcurrency === undefined ? {} : { gatewayConcurrency }),
    ...(bedrockLogGroup === undefined ? {} : { bedrockLogGroup }),
  };
}

/**
 * State of stages other than `dev` survives `cdk destroy`. What a deployment made that is then rolled back goes: most of
 * it has a fixed name, which would be taken at the next try.
 */
export function removalPolicy(deployment: Deployment): RemovalPolicy {
  return isDisposable(deployment) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/** Of tables and keys: their names are made up, and deletion protection would make a roll-back fail. */
export function protectedRemovalPolicy(deployment: Deployment): RemovalPolicy {
  return isDisposable(deployment) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
}

export function isDisposable(deployment: Deployment): boolean {
  return deployment.stage === 'dev';
}

export function logRetention(deployment: Deployment): RetentionDays {
  return isDisposable(deployment) ? RetentionDays.TWO_WEEKS : RetentionDays.SIX_MONTHS;
}

export function lambdaArchitecture(deployment: Deployment): Architecture {
  return deployment.architecture === 'ARM64' ? Architecture.ARM_64 : Architecture.X86_64;
}

function readStage(node: Node): string {
  const value: unknown = node.tryGetContext('wflo:stage') ?? 'dev';
  // 16 characters leave room for `wflo-<stage>-step-<workflow>-<step>` in the 64 of a function name.
  if (typeof value === 'string' && /^[a-z][a-z0-9]{0,15}$/.test(value)) return value;
  throw refused('wflo:stage', value, '1 to 16 lower-case letters and digits, beginning with a letter');
}

function readAvailabilityZones(node: Node): 1 | 2 {
  const value: unknown = node.tryGetContext('wflo:availability-zones') ?? 2;
  const zones = Number(value);
  if (zones === 1 || zones === 2) return zones;
  throw refused('wflo:availability-zones', value, '1 or 2');
}

function readRetentionDays(node: Node): number {
  const value: unknown = node.tryGetContext('wflo:retention-days') ?? 400;
  // What `-c` gives is text.
  const days = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof days === 'number' && Number.isInteger(days) && days >= 100 && days <= 3650) return days;
  throw refused('wflo:retention-days', value, 'a whole number of days from 100 to 3650');
}

function readChoice<K extends keyof typeof CHOICES>(node: Node, key: K): (typeof CHOICES)[K][number] {
  const allowed: readonly (typeof CHOICES)[K][number][] = CHOICES[key];
  const value: unknown = node.tryGetContext(key) ?? allowed[0];
  const choice = allowed.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw refused(key, value, allowed.map((each) => `"${each}"`).join(' or '));
}

function readEndpoint(node: Node): string | undefined {
  const value: unknown = node.tryGetContext('wflo:endpoint');
  if (value === undefined) return undefined;
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.protocol !== 'https:' || url.pathname !== '/') {
    throw refused('wflo:endpoint', value, 'an https URL without a path, such as https://localhost:4566');
  }
  return url.origin;
}

function readModelsUrl(node: Node, endpoint: string | undefined): string | undefined {
  const value: unknown = node.tryGetContext('wflo:models-url');
  if (value === undefined) return undefined;
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (endpoint === undefined || url?.hostname !== '127.0.0.1' || url.protocol !== 'http:' || url.search !== '') {
    throw refused('wflo:models-url', value, 'an http URL of 127.0.0.1, beside wflo:endpoint');
  }
  return url.href.replace(/\/+$/, '');
}

function readGatewayConcurrency(node: Node): number | undefined {
  const value: unknown = node.tryGetContext('wflo:gateway-concurrency');
  if (value === undefined) return undefined;
  const calls = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof calls === 'number' && Number.isInteger(calls) && calls >= 1 && calls <= 10_000) return calls;
  throw refused('wflo:gateway-concurrency', value, 'a whole number of calls from 1 to 10000');
}

/** As CloudWatch Logs has names: no wildcard, so that a grant is for one group. */
function readBedrockLogGroup(node: Node): string | undefined {
  const value: unknown = node.tryGetContext('wflo:bedrock-log-group');
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[\w./#-]{1,512}$/.test(value)) return value;
  throw refused('wflo:bedrock-log-group', value, 'the name of a log group, such as /bedrock/invocations');
}

function refused(key: string, value: unknown, allowed: string): WfloError {
  return new WfloError('invalid_settings', `the context value ${key} is ${JSON.stringify(value)}`, {
    fix: `set it to ${allowed}, in cdk.json or with -c ${key}=…`,
  });
}
