import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { WfloError } from '../errors.ts';
import { lastLogLines, readPidFile, removePidFile, startInBackground } from './background-process.ts';
import { QUIET_CDK_ENV } from './cdk.ts';
import type { Isolation } from './contract.ts';
import type { LocalCredentials, LocalProcess } from './local-state.ts';
import { type LocalPaths, PACKAGE_DIR } from './paths.ts';
import { isAlive, stopProcess } from './process-identity.ts';

const MAIN = fileURLToPath(new URL('sandbox-host/main.ts', import.meta.url));
const START_MS = 30_000;
/** It stops its sandboxes first. */
const STOP_MS = 15_000;

/** The JSON file that `sandbox-host/main.ts` is started with, as its one argument. */
export interface SandboxHostConfig {
  /** Base URL of the emulator. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly account: string;
  readonly stage: string;
  readonly caFile: string;
  /** Of the local root: it acts as ECS itself. */
  readonly credentials: LocalCredentials;
  /** Absent: as processes of this machine. */
  readonly driver?: 'docker' | 'process';
  /** Base URL of the model gateway, as claims tell it: what containers may reach. Absent: they reach none. */
  readonly modelsUrl?: string;
  /** Folder of its own for workspaces; deleted by `local reset`. */
  readonly workFolder: string;
  /** The host writes `{ "isolation": Isolation }` there, as a whole, once it takes tasks. */
  readonly statusFile: string;
}

const HostStatus = z.object({
  isolation: z.object({
    driver: z.string(),
    properties: z.array(z.object({ property: z.string(), enforced: z.boolean(), detail: z.string() })),
  }),
});

export interface RunningSandboxHost {
  readonly process: LocalProcess & { readonly statusFile: string };
  readonly isolation: Isolation;
}

/** Starts the host and waits until it takes tasks. Throws `local_setup_failed`. */
export async function startSandboxHost(
  paths: LocalPaths,
  config: Omit<SandboxHostConfig, 'workFolder' | 'statusFile'>,
  env: NodeJS.ProcessEnv,
): Promise<RunningSandboxHost> {
  const statusFile = join(paths.sandboxHost, 'status.json');
  const configFile = join(paths.sandboxHost, 'config.json');
  const workFolder = join(paths.sandboxHost, 'work');
  await mkdir(workFolder, { recursive: true, mode: 0o700 });
  await rm(statusFile, { force: true });
  await writeFile(configFile, `${JSON.stringify({ ...config, workFolder, statusFile }, null, 2)}\n`, { mode: 0o600 });
  const started = await startInBackground({
    file: process.execPath,
    args: ['--import', tsxLoader(), MAIN, configFile],
    cwd: PACKAGE_DIR,
    env: sandboxHostEnvironment(paths, config.caFile, env),
    logFile: paths.sandboxHostLog,
    pidFile: paths.sandboxHostPid,
  });
  const deadline = performance.now() + START_MS;
  while (isAlive(started) && performance.now() < deadline) {
    const isolation = await readIsolation(statusFile);
    if (isolation !== null) return { process: { ...started, statusFile }, isolation };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ended = !isAlive(started);
  await stopSandboxHost(paths, started);
  const lines = await lastLogLines(paths.sandboxHostLog);
  throw new WfloError(
    'local_setup_failed',
    `the sandbox host ${ended ? 'ended while it was starting' : `was not ready within ${START_MS / 1000} s`} (log: ${paths.sandboxHostLog})\n${lines.join('\n')}`,
    { fix: 'Run `wflo doctor`.', details: { logFile: paths.sandboxHostLog, lines } },
  );
}

export async function stopSandboxHost(
  paths: LocalPaths,
  known: LocalProcess | undefined,
): Promise<'stopped' | 'killed' | 'not_running'> {
  const host = known ?? (await readPidFile(paths.sandboxHostPid));
  const outcome = host === undefined ? 'not_running' : await stopProcess(host, STOP_MS);
  await removePidFile(paths.sandboxHostPid);
  return outcome;
}

/** Null where the host has written none yet. */
export async function readIsolation(statusFile: string): Promise<Isolation | null> {
  try {
    const parsed = HostStatus.safeParse(JSON.parse(await readFile(statusFile, 'utf8')));
    return parsed.success ? parsed.data.isolation : null;
  } catch {
    return null;
  }
}

/** Sandboxes of the process driver descend from the host: the user's keys must not be in its environment. */
function sandboxHostEnvironment(
  paths: LocalPaths,
  caFile: string,
  env: NodeJS.ProcessEnv,
): { readonly [name: string]: string } {
  const kept = ['PATH', 'LANG', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'XDG_RUNTIME_DIR'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    // Docker looks for its contexts there.
    HOME: env.HOME ?? paths.emulatorHome,
    TMPDIR: paths.emulatorTmp,
    NODE_EXTRA_CA_CERTS: caFile,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: QUIET_CDK_ENV.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED,
  };
}

function tsxLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
