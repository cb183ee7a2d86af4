import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { WfloError } from '../errors.ts';
import { cdkVersion } from './cdk.ts';
import type { CheckResult, DoctorOptions, DoctorReport, LocalStatus } from './contract.ts';
import { checkCloudTarget } from './doctor-cloud.ts';
import { DEFAULT_PORT, isPortFree } from './free-port.ts';
import { localStatus } from './local-status.ts';
import { findPython } from './python.ts';
import { type RunCommand, runCommand } from './run-command.ts';
import { isOnPath } from './search-path.ts';
import { projectStage } from './stage.ts';

/** Of `engines` in package.json. */
const MINIMUM_NODE = [20, 19] as const;
/** The venv takes 130 MB, the assembly and the state some tens more. */
const FAIL_BELOW_BYTES = 500e6;
const WARN_BELOW_BYTES = 2e9;

interface Outside {
  readonly run: RunCommand;
  readonly cloudTarget: (stage: string) => Promise<CheckResult>;
}

/** Looks at everything that Wflo needs, and says for each what to do. Never throws for what it finds. */
export async function doctor(
  options: DoctorOptions,
  { run, cloudTarget }: Outside = { run: runCommand, cloudTarget: checkCloudTarget },
): Promise<DoctorReport> {
  const { projectDir } = options;
  const env = options.env ?? process.env;
  const stage = options.stage ?? (await projectStage(projectDir));
  const status = await statusOrError(projectDir);
  const checks = await Promise.all([
    checkNode(process.versions.node),
    checkPython(env, run),
    checkOpenssl(env),
    checkDocker(env, run),
    checkDisk(projectDir),
    checkPort(status),
    checkVersions(),
    checkLocal(status),
    checkIsolation(status),
    cloudTarget(stage),
  ]);
  return { ok: checks.every(({ level }) => level !== 'fail'), checks };
}

type StatusOrError = LocalStatus | WfloError;

async function statusOrError(projectDir: string): Promise<StatusOrError> {
  try {
    return await localStatus({ projectDir });
  } catch (error) {
    if (WfloError.is(error)) return error;
    throw error;
  }
}

export function checkNode(version: string): CheckResult {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  if (enough) return { name: 'node', level: 'ok', message: `Node ${version}` };
  return {
    name: 'node',
    level: 'fail',
    message: `Node ${version} is too old`,
    fix: `Install Node ${MINIMUM_NODE.join('.')} or newer.`,
  };
}

async function checkPython(env: NodeJS.ProcessEnv, run: RunCommand): Promise<CheckResult> {
  try {
    const { version, executable } = await findPython(env, run);
    return { name: 'python', level: 'ok', message: `Python ${version} (${executable})` };
  } catch (error) {
    if (!WfloError.is(error)) throw error;
    return { name: 'python', level: 'fail', message: error.message, fix: error.fix ?? '' };
  }
}

async function checkOpenssl(env: NodeJS.ProcessEnv): Promise<CheckResult> {
  if (await isOnPath('openssl', env.PATH ?? ''))
    return { name: 'openssl', level: 'ok', message: 'openssl is on the PATH' };
  return {
    name: 'openssl',
    level: 'fail',
    message: 'openssl is not on the PATH; the local AWS makes its certificate with it',
    fix: 'Install it (Debian and Ubuntu: `apt install openssl`).',
  };
}

async function checkDocker(env: NodeJS.ProcessEnv, run: RunCommand): Promise<CheckResult> {
  const answer = await run('docker', ['version', '--format', '{{.Server.Version}}'], { env, timeoutMs: 5_000 });
  const version = /^\d+\.\S+/m.exec(answer.output)?.[0];
  if (answer.exitCode === 0 && version !== undefined)
    return { name: 'docker', level: 'ok', message: `Docker ${version} answers` };
  return {
    name: 'docker',
    level: 'warn',
    message:
      'Docker does not answer: `wflo deploy` needs it to build the images of sandboxes, and `wflo local up --driver docker` to run them as well',
    fix: 'Start Docker before either. The driver `process` of the local AWS needs no Docker, but does not separate an agent from this machine.',
  };
}

async function checkDisk(projectDir: string): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(projectDir);
  return diskCheck(bavail * bsize);
}

export function diskCheck(freeBytes: number): CheckResult {
  const message = `${(freeBytes / 1e9).toFixed(1)} GB free`;
  if (freeBytes >= WARN_BELOW_BYTES) return { name: 'disk', level: 'ok', message };
  return {
    name: 'disk',
    level: freeBytes < FAIL_BELOW_BYTES ? 'fail' : 'warn',
    message: `only ${message}`,
    fix: 'Make room on the disk of the project; `wflo local reset` deletes the state of the local AWS.',
  };
}

async function checkPort(status: StatusOrError): Promise<CheckResult> {
  const running = !WfloError.is(status) && status.condition === 'running';
  if (running) return { name: 'port', level: 'ok', message: `the local AWS has its port (${status.endpoint})` };
  if (await isPortFree(DEFAULT_PORT)) return { name: 'port', level: 'ok', message: `port ${DEFAULT_PORT} is free` };
  return {
    name: 'port',
    level: 'warn',
    message: `port ${DEFAULT_PORT} is taken: \`wflo local up\` takes another one`,
    fix: 'Nothing need be done; `--port` chooses one.',
  };
}

function checkVersions(): CheckResult {
  const require = createRequire(import.meta.url);
  const wanted = (require('../../package.json') as { dependencies: Record<string, string> }).dependencies['aws-cdk'];
  const installed = cdkVersion();
  if (installed === wanted) return { name: 'cdk', level: 'ok', message: `aws-cdk ${installed}` };
  return {
    name: 'cdk',
    level: 'fail',
    message: `aws-cdk is ${installed}, and must be ${wanted}: others cannot read what the pinned library writes`,
    fix: 'Run `npm ci`.',
  };
}

export function checkLocal(status: StatusOrError): CheckResult {
  const name = 'local';
  if (WfloError.is(status)) return { name, level: 'fail', message: status.message, fix: status.fix ?? '' };
  switch (status.condition) {
    case 'none':
      return { name, level: 'ok', message: 'the local AWS has not been started' };
    case 'stopped':
      return { name, level: 'ok', message: 'the local AWS is stopped; its state is kept' };
    case 'died':
      return {
        name,
        level: 'fail',
        message: `the local AWS ended unexpectedly (log: ${status.emulator.logFile})`,
        fix: 'Run `wflo local up`.',
      };
    case 'running':
      break;
  }
  if (!status.sandboxHost.alive)
    return {
      name,
      level: 'fail',
      message: `the local AWS runs without its sandbox host (log: ${status.sandboxHost.logFile})`,
      fix: 'Run `wflo local up`.',
    };
  if (!status.gateway.alive)
    return {
      name,
      level: 'fail',
      message: `the local AWS runs without its gateway (log: ${status.gateway.logFile})`,
      fix: 'Run `wflo local up`.',
    };
  if (status.deployOutdated === true)
    return {
      name,
      level: 'warn',
      message: 'the local AWS runs, but the project has changed since its last deployment',
      fix: 'Run `wflo local up`.',
    };
  return { name, level: 'ok', message: `the local AWS runs at ${status.endpoint}` };
}

export function checkIsolation(status: StatusOrError): CheckResult {
  const name = 'isolation';
  const isolation = WfloError.is(status) ? null : status.isolation;
  if (isolation === null)
    return { name, level: 'ok', message: 'what isolates local sandboxes is known while the local AWS runs' };
  const missing = isolation.properties.filter(({ enforced }) => !enforced);
  if (missing.length === 0)
    return { name, level: 'ok', message: `the driver \`${isolation.driver}\` enforces every property of a sandbox` };
  return {
    name,
    level: 'warn',
    message: `the driver \`${isolation.driver}\` does not enforce ${missing.length} of ${isolation.properties.length} properties of a sandbox`,
    details: missing.map(({ property, detail }) => `${property}: ${detail}`),
    fix: isolationFix(isolation.driver),
  };
}

function isolationFix(driver: string): string {
  const trusted = 'Run only code that you trust in local sandboxes.';
  if (driver === 'docker') return `${trusted} On AWS all of it is enforced.`;
  return `${trusted} Containers enforce more (\`wflo local up --driver docker\`, on Linux), and AWS all of it.`;
}
