import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WfloError } from '../errors.ts';
import { lastLogLines, readPidFile, removePidFile, startInBackground } from './background-process.ts';
import { QUIET_CDK_ENV } from './cdk.ts';
import type { LocalCredentials, LocalProcess } from './local-state.ts';
import { type LocalPaths, PACKAGE_DIR } from './paths.ts';
import { isAlive, stopProcess } from './process-identity.ts';

const MAIN = fileURLToPath(new URL('gateway-main.ts', import.meta.url));
const START_MS = 30_000;
/** Calls that run have most of it to end; what is left is settled or marked. */
const STOP_MS = 20_000;
/** Beside the emulator's own. */
export const DEFAULT_GATEWAY_PORT = 14567;

/** The JSON file that `gateway-main.ts` is started with, as its one argument. */
export interface GatewayConfig {
  /** Base URL of the emulator. */
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
  readonly stage: string;
  readonly caFile: string;
  /** Of the local root: they assume the role of the deployed function, and are used for nothing else. */
  readonly credentials: LocalCredentials;
  readonly port: number;
  /** Its prices are those of the deployment. */
  readonly projectDir: string;
  /** Written once it takes calls. */
  readonly statusFile: string;
}

/** Where agents find it: the same path as below the sandbox API. */
export function localModelsUrl(port: number): string {
  return `http://127.0.0.1:${port}/models`;
}

/** Starts the gateway and waits until it takes calls. Throws `local_setup_failed`. */
export async function startGateway(
  paths: LocalPaths,
  config: Omit<GatewayConfig, 'statusFile'>,
  env: NodeJS.ProcessEnv,
): Promise<LocalProcess> {
  const statusFile = join(paths.gateway, 'status.json');
  const configFile = join(paths.gateway, 'config.json');
  await mkdir(paths.gateway, { recursive: true, mode: 0o700 });
  await rm(statusFile, { force: true });
  await writeFile(configFile, `${JSON.stringify({ ...config, statusFile }, null, 2)}\n`, { mode: 0o600 });
  const started = await startInBackground({
    file: process.execPath,
    args: ['--import', tsxLoader(), MAIN, configFile],
    cwd: PACKAGE_DIR,
    env: gatewayEnvironment(paths, config.caFile, env),
    logFile: paths.gatewayLog,
    pidFile: paths.gatewayPid,
  });
  const deadline = performance.now() + START_MS;
  while (isAlive(started) && performance.now() < deadline) {
    if (await isReady(statusFile)) return started;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ended = !isAlive(started);
  await stopGateway(paths, started);
  const lines = await lastLogLines(paths.gatewayLog);
  throw new WfloError(
    'local_setup_failed',
    `the gateway ${ended ? 'ended while it was starting' : `was not ready within ${START_MS / 1000} s`} (log: ${paths.gatewayLog})\n${lines.join('\n')}`,
    { fix: 'Run `wflo doctor`.', details: { logFile: paths.gatewayLog, lines } },
  );
}

export async function stopGateway(
  paths: LocalPaths,
  known: LocalProcess | undefined,
): Promise<'stopped' | 'killed' | 'not_running'> {
  const gateway = known ?? (await readPidFile(paths.gatewayPid));
  const outcome = gateway === undefined ? 'not_running' : await stopProcess(gateway, STOP_MS);
  await removePidFile(paths.gatewayPid);
  return outcome;
}

async function isReady(statusFile: string): Promise<boolean> {
  return readFile(statusFile, 'utf8').then(
    () => true,
    () => false,
  );
}

/** Nothing of the user's own: no keys, no proxy, no AWS settings. */
function gatewayEnvironment(
  paths: LocalPaths,
  caFile: string,
  env: NodeJS.ProcessEnv,
): { readonly [name: string]: string } {
  const kept = ['PATH', 'LANG'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    HOME: paths.emulatorHome,
    TMPDIR: paths.emulatorTmp,
    NODE_EXTRA_CA_CERTS: caFile,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: QUIET_CDK_ENV.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED,
  };
}

function tsxLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
