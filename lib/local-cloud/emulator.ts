import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WfloError } from '../errors.ts';
import { lastLogLines, readPidFile, removePidFile, startInBackground } from './background-process.ts';
import { choosePort, DEFAULT_PORT, isPortFree } from './free-port.ts';
import { prepareKeptState } from './kept-state.ts';
import type { LocalProcess } from './local-state.ts';
import type { LocalPaths } from './paths.ts';
import { isAlive, stopProcess } from './process-identity.ts';
import { isOnPath } from './search-path.ts';

const LAUNCHER = fileURLToPath(new URL('emulator.py', import.meta.url));
/** Measured: 2 s on two cores, more with much state to load. */
const START_MS = 60_000;
/** A clean stop ends open requests and writes all state first. */
const STOP_MS = 30_000;
/** Where the state is not wanted. */
const STOP_WITHOUT_STATE_MS = 2_000;
const PORT_ATTEMPTS = 3;

export const LOCAL_REGION = 'us-east-1';
export const LOCAL_ACCOUNT = '000000000000';
/** The emulator's own root. */
export const LOCAL_ADMIN = { accessKeyId: 'test', secretAccessKey: 'test' } as const;

/** The name that the certificate, the API URLs and all clients agree on. */
export function endpointOf(port: number): string {
  return `https://localhost:${port}`;
}

export interface RunningEmulator {
  readonly process: LocalProcess;
  readonly port: number;
}

/**
 * The whole environment of the emulator. It hands its own on to every function, so nothing of the user's may be in it
 * but the search path (which `openssl` is found by).
 */
export function emulatorEnvironment(
  paths: LocalPaths,
  port: number,
  searchPath: string,
  recordCalls?: string,
): { readonly [name: string]: string } {
  return {
    PATH: [paths.nodeBin, searchPath].filter((part) => part !== '').join(delimiter),
    HOME: paths.emulatorHome,
    TMPDIR: paths.emulatorTmp,
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    // The bootstrap bucket of CDK refuses plain HTTP.
    USE_SSL: '1',
    // Every call is checked against the caller's policies.
    AUTH: 'true',
    // Else a broker listens on 0.0.0.0:8883.
    IOT_MTLS_ENABLED: '0',
    PERSIST_STATE: '1',
    S3_PERSIST: '1',
    STATE_DIR: paths.emulatorState,
    S3_DATA_DIR: paths.emulatorObjects,
    // Tasks stay RUNNING, for the sandbox host to take.
    DOCKER_HOST: `unix://${join(paths.cloud, 'no-docker.sock')}`,
    ...(recordCalls === undefined ? {} : { WFLO_RECORD_CALLS: recordCalls }),
    AWS_DEFAULT_REGION: LOCAL_REGION,
    // Functions run on the user's Node; the SDK's remark on its version is not theirs to read.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

export interface StartEmulatorOptions {
  readonly paths: LocalPaths;
  readonly python: string;
  readonly searchPath: string;
  /** Only this one. */
  readonly port?: number;
  /** Taken where it is free. */
  readonly previousPort?: number;
  /** File to which every call that a role makes is appended. */
  readonly recordCalls?: string;
}

/** Starts the emulator and waits until it answers. Throws `port_in_use` and `local_setup_failed`. */
export async function startEmulator(options: StartEmulatorOptions): Promise<RunningEmulator> {
  const { paths } = options;
  if (!(await isOnPath('openssl', options.searchPath)))
    throw new WfloError(
      'local_setup_failed',
      'the program openssl, which makes the certificate of the local AWS, is not on the PATH',
      {
        fix: 'Install it (Debian and Ubuntu: `apt install openssl`), then repeat the command.',
      },
    );
  const preferred = [...(options.previousPort === undefined ? [] : [options.previousPort]), DEFAULT_PORT];
  for (const folder of [paths.emulatorState, paths.emulatorObjects, paths.emulatorTmp, paths.emulatorHome])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  // Functions are unpacked below: without a file of its own here, Node would read the project's package.json and its
  // `type`, which no function has above it on AWS. (The project's node_modules stay in reach; on AWS they are not.)
  await writeFile(join(paths.cloud, 'package.json'), '{}\n');
  await linkSdk(paths.cloud);
  await linkNode(paths.nodeBin);
  await prepareKeptState(paths);

  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port, preferred);
    const process = await startInBackground({
      file: options.python,
      args: [LAUNCHER],
      cwd: paths.cloud,
      env: emulatorEnvironment(paths, port, options.searchPath, options.recordCalls),
      logFile: paths.emulatorLog,
      pidFile: paths.emulatorPid,
    });
    if (await answersInTime(process, port, paths.caFile)) return { process, port };
    const ended = !isAlive(process);
    await stopEmulator(paths, process);
    // Between the look at the port and its opening, somebody else may have taken it.
    if (ended && attempt < PORT_ATTEMPTS && options.port === undefined && !(await isPortFree(port))) continue;
    throw await startFailed(process, ended);
  }
}

/** Asks for a clean stop, which alone writes the state. */
export async function stopEmulator(
  paths: LocalPaths,
  known: LocalProcess | undefined,
  keepState = true,
): Promise<'stopped' | 'killed' | 'not_running'> {
  const process = known ?? (await readPidFile(paths.emulatorPid));
  const graceMs = keepState ? STOP_MS : STOP_WITHOUT_STATE_MS;
  const outcome = process === undefined ? 'not_running' : await stopProcess(process, graceMs);
  await removePidFile(paths.emulatorPid);
  return outcome;
}

/** True when the emulator of this project answers: only it holds the key to the certificate in its own folder. */
export async function answers(port: number, caFile: string, timeoutMs = 5_000): Promise<boolean> {
  let ca: Buffer;
  try {
    ca = await readFile(caFile);
  } catch {
    return false;
  }
  return new Promise((resolve) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path: '/_ministack/health',
        servername: 'localhost',
        ca,
        agent: false,
        timeout: timeoutMs,
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200));
        response.once('error', () => resolve(false));
      },
    );
    call.once('timeout', () => call.destroy(new Error('no answer')));
    call.once('error', () => resolve(false));
    call.end();
  });
}

async function answersInTime(process: LocalProcess, port: number, caFile: string): Promise<boolean> {
  const deadline = performance.now() + START_MS;
  while (isAlive(process) && performance.now() < deadline) {
    if (await answers(port, caFile)) return isAlive(process);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/**
 * The Lambda runtime brings the AWS SDK along, and functions of CDK itself rely on it. Here it is this package's, in a
 * folder above where the emulator unpacks functions.
 */
async function linkSdk(cloud: string): Promise<void> {
  const client = createRequire(import.meta.url).resolve('@aws-sdk/client-s3/package.json');
  const folder = join(cloud, 'node_modules');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const link = join(folder, '@aws-sdk');
  await rm(link, { force: true });
  await symlink(dirname(dirname(client)), link);
}

async function linkNode(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const link = join(folder, 'node');
  await rm(link, { force: true });
  await symlink(process.execPath, link);
}

async function startFailed(process: LocalProcess, ended: boolean): Promise<WfloError> {
  const lines = await lastLogLines(process.logFile);
  const what = ended ? 'ended while it was starting' : `did not answer within ${START_MS / 1000} s`;
  return new WfloError(
    'local_setup_failed',
    `the AWS emulator ${what} (log: ${process.logFile})\n${lines.join('\n')}`,
    {
      fix: 'Run `wflo doctor`. Where the kept state is the reason, `wflo local reset` deletes it.',
      details: { logFile: process.logFile, lines },
    },
  );
}
