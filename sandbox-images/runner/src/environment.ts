import { type ModelsAddress, modelEnvironment } from '../../../lib/sandbox/model-environment.ts';
import { RUNNER_ENV } from '../../../lib/sandbox/protocol.ts';

/** What the runner was started with. `code` and `leaseId` never leave it but in the claim. */
export interface RunnerEnvironment {
  /** Base URL without a slash at its end. */
  readonly api: string;
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly leaseId: string;
  readonly code: string;
  readonly metadataUri: string;
  /** Folder of this step: code, workspace, input, output, home and temporary files. */
  readonly root: string;
  /** The agent runs as this user and group; undefined: as the runner's own. */
  readonly agentUid?: number;
  /** Search path of the agent. */
  readonly searchPath: string;
  readonly lang: string;
}

/** The runner refuses to start: an exit with code 64. */
export class RefusedToStart extends Error {}

const FORBIDDEN = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
];
const FORBIDDEN_PREFIX = 'AWS_CONTAINER_';
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
export const DEFAULT_ROOT = '/workspace';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment of the container. Throws `RefusedToStart` where AWS credentials are within reach (a sandbox
 * has none, so somebody gave the task a role or the image a key) and where something is missing. Names only: values
 * never stand in a message.
 */
export function parseEnvironment(variables: Variables): RunnerEnvironment {
  const credentials = Object.keys(variables)
    .filter((name) => FORBIDDEN.includes(name) || name.startsWith(FORBIDDEN_PREFIX))
    .sort();
  if (credentials.length > 0) {
    throw new RefusedToStart(
      `AWS credentials are within reach of the agent: ${credentials.join(', ')}; remove the task role or the variable`,
    );
  }
  const attempt = required(variables, RUNNER_ENV.attempt);
  if (!/^[1-9][0-9]{0,3}$/.test(attempt)) throw new RefusedToStart(`${RUNNER_ENV.attempt} is not an attempt number`);
  const uid = variables.WFLO_AGENT_UID;
  if (uid !== undefined && !/^[1-9][0-9]{0,8}$/.test(uid)) {
    throw new RefusedToStart('WFLO_AGENT_UID is not the number of a user without privileges');
  }
  return {
    api: apiUrl(required(variables, RUNNER_ENV.api)),
    executionId: required(variables, RUNNER_ENV.execution),
    path: required(variables, RUNNER_ENV.step),
    attempt: Number(attempt),
    leaseId: required(variables, RUNNER_ENV.lease),
    code: required(variables, RUNNER_ENV.code),
    metadataUri: required(variables, 'ECS_CONTAINER_METADATA_URI_V4').replace(/\/+$/, ''),
    root: variables.WFLO_ROOT || DEFAULT_ROOT,
    ...(uid === undefined ? {} : { agentUid: Number(uid) }),
    searchPath: variables.PATH || DEFAULT_PATH,
    lang: variables.LANG || 'C.UTF-8',
  };
}

/** Tokens travel to it, so it is HTTPS, or plain HTTP that does not leave this machine. */
function apiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url?.protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url?.protocol !== 'https:' && !local) throw new RefusedToStart(`${RUNNER_ENV.api} is not an HTTPS URL`);
  return text.replace(/\/+$/, '');
}

function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === '') throw new RefusedToStart(`${name} is not set`);
  return value;
}

/**
 * Everything the agent's process gets, and nothing else of the runner's own environment. What the step declares wins
 * over the defaults, but not over the `WFLO_*` names and those that lead to the model gateway, which are reserved.
 * `models`: undefined where there is no gateway.
 */
export function agentEnvironment(
  environment: RunnerEnvironment,
  folders: {
    readonly home: string;
    readonly temporary: string;
    readonly input: string;
    readonly output: string;
    readonly carried: string;
  },
  declared: { readonly [name: string]: string },
  models?: ModelsAddress,
): Record<string, string> {
  return {
    PATH: environment.searchPath,
    HOME: folders.home,
    LANG: environment.lang,
    TMPDIR: folders.temporary,
    // The Bedrock client for JavaScript trusts by it; a step that trusts others has to name both.
    ...(models === undefined ? {} : { NODE_EXTRA_CA_CERTS: models.certificateFile }),
    ...declared,
    ...(models === undefined ? {} : { ...modelEnvironment(models), ...withoutProxy(declared) }),
    WFLO_INPUT: folders.input,
    WFLO_OUTPUT: folders.output,
    WFLO_WORKSPACE: folders.carried,
    WFLO_EXECUTION: environment.executionId,
    WFLO_STEP: environment.path,
    WFLO_ATTEMPT: String(environment.attempt),
  };
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/** A proxy that the step declares is not asked for what is on loopback. Programs read the one name or the other. */
function withoutProxy(declared: { readonly [name: string]: string }): Record<string, string> {
  if (!Object.keys(declared).some((name) => PROXIES.includes(name.toUpperCase()))) return {};
  const hosts = (declared.NO_PROXY ?? declared.no_proxy ?? '').split(',').filter((host) => host.trim() !== '');
  const value = [...hosts, '127.0.0.1'].join(',');
  return { NO_PROXY: value, no_proxy: value };
}
