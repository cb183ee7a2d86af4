import { readPidFile } from './background-process.ts';
import type { Isolation, LocalUpOptions, LocalUpResult } from './contract.ts';
import { deployLocally } from './deploy-local.ts';
import {
  answers,
  endpointOf,
  LOCAL_ACCOUNT,
  LOCAL_ADMIN,
  LOCAL_REGION,
  startEmulator,
  stopEmulator,
} from './emulator.ts';
import { choosePort } from './free-port.ts';
import { DEFAULT_GATEWAY_PORT, localModelsUrl, startGateway, stopGateway } from './gateway-process.ts';
import { installDependencies } from './install-dependencies.ts';
import { withLocalLock } from './local-lock.ts';
import { type LocalProcess, type LocalState, localStateOf, readLocalState, writeLocalState } from './local-state.ts';
import { ensureUser, OPERATOR_USER } from './operator.ts';
import { type LocalPaths, localPaths } from './paths.ts';
import { ensurePeople } from './people.ts';
import { prepareDocker } from './prepare-docker.ts';
import { isAlive } from './process-identity.ts';
import { inPhase, type Report } from './progress.ts';
import { type InstalledEmulator, installEmulator } from './python.ts';
import { readIsolation, startSandboxHost, stopSandboxHost } from './sandbox-host-process.ts';
import { projectStage, requireProject } from './stage.ts';

/**
 * Installs and starts the local AWS and deploys the project into it; what is there already is kept. Throws `usage`
 * where there is no project, `python_missing`, `local_setup_failed`, `port_in_use`, `local_locked`, `local_state_corrupt`, `deploy_failed`.
 */
export async function localUp(options: LocalUpOptions): Promise<LocalUpResult> {
  const { projectDir, report } = options;
  await requireProject(projectDir);
  if (options.driver === 'docker') await prepareDocker({ projectDir, env: options.env ?? process.env, report });
  return withLocalLock(projectDir, () => upWhileLocked(options), {
    onWait: (pid) =>
      report({ phase: 'wait', state: 'started', text: `Waiting for process ${pid}, which is changing the local AWS` }),
  });
}

async function upWhileLocked(options: LocalUpOptions): Promise<LocalUpResult> {
  const began = performance.now();
  const { projectDir, report } = options;
  const env = options.env ?? process.env;
  const paths = localPaths(projectDir);
  const stage = options.stage ?? (await projectStage(projectDir));
  const before = await readLocalState(projectDir);
  await refuseTakenPort(options.port, before);
  const installed = await installEmulator(projectDir, env, report);

  await installDependencies(projectDir, env, report);

  const emulator = await ensureEmulator(options, paths, before, installed, env);
  const gatewayPort = await ensureGatewayPort(emulator.state);
  let state: LocalState = { ...emulator.state, gatewayPort };
  await writeLocalState(projectDir, state);

  const deployment = { ...state, gatewayPort, projectDir, paths, stage, admin: state.credentials.admin, env };
  const deployed = await deployLocally(deployment, report);
  state = {
    ...state,
    stage,
    deployed: {
      hash: deployed.hash,
      at: deployed.outcome === 'unchanged' && before?.deployed ? before.deployed.at : new Date().toISOString(),
      controlApiUrl: deployed.controlApiUrl,
      workflows: [...deployed.workflows],
    },
  };
  await writeLocalState(projectDir, state);

  if (deployed.controlApiUrl !== null) {
    const scope = { region: state.region, account: state.account, stage, controlApiUrl: deployed.controlApiUrl };
    const { admin, operator: known } = state.credentials;
    const operator = await ensureUser(state, admin, scope, { name: OPERATOR_USER, known: known ?? undefined });
    state = { ...state, credentials: { admin, operator } };
    await writeLocalState(projectDir, state);
    const people = await inPhase(report, 'people', 'Making people to try with', () =>
      ensurePeople(state, scope, { operator, admin, known: state.people ?? {} }),
    );
    state = { ...state, people };
    await writeLocalState(projectDir, state);
  }

  // Before sandboxes can ask for it.
  const asBefore = emulator.outcome !== 'started' && deployed.outcome === 'unchanged';
  state = { ...state, gateway: await ensureGateway(options, paths, { ...state, gatewayPort }, asBefore, env) };
  await writeLocalState(projectDir, state);

  const host = await ensureSandboxHost(options, paths, state, emulator.outcome === 'started', env);
  state = host.state;
  await writeLocalState(projectDir, state);

  return {
    state,
    endpoint: state.endpoint,
    controlApiUrl: deployed.controlApiUrl,
    workflows: deployed.workflows,
    emulator: emulator.outcome,
    deploy: deployed.outcome,
    isolation: host.isolation,
    milliseconds: Math.round(performance.now() - began),
  };
}

/** Before anything is installed or stopped for a port that cannot be had. */
async function refuseTakenPort(port: number | undefined, before: LocalState | undefined): Promise<void> {
  if (port === undefined) return;
  if (before?.port === port && before.emulator !== null && isAlive(before.emulator)) return;
  await choosePort(port, []);
}

interface EnsuredEmulator {
  readonly state: LocalState;
  readonly outcome: LocalUpResult['emulator'];
}

async function ensureEmulator(
  options: LocalUpOptions,
  paths: LocalPaths,
  before: LocalState | undefined,
  installed: InstalledEmulator,
  env: NodeJS.ProcessEnv,
): Promise<EnsuredEmulator> {
  const { projectDir, report } = options;
  if (before !== undefined && (await isUsable(before, options.port, installed.version))) {
    report({ phase: 'emulator', state: 'skipped', text: `The local AWS is running at ${before.endpoint}` });
    return { state: before, outcome: 'already_running' };
  }
  await stopWhatIsLeft(paths, before, report);
  const started = await inPhase(
    report,
    'emulator',
    'Starting the local AWS',
    () =>
      startEmulator({
        paths,
        python: installed.python,
        searchPath: env.PATH ?? '',
        ...(options.port === undefined ? {} : { port: options.port }),
        ...(before === undefined ? {} : { previousPort: before.port }),
        ...(options.recordCalls === undefined ? {} : { recordCalls: options.recordCalls }),
      }),
    ({ port }) => `The local AWS runs at ${endpointOf(port)}`,
  );
  const state = localStateOf({
    endpoint: endpointOf(started.port),
    port: started.port,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    stage: before?.stage ?? 'dev',
    caFile: paths.caFile,
    emulatorVersion: installed.version,
    emulator: started.process,
    sandboxHost: null,
    gateway: null,
    ...(before?.gatewayPort === undefined ? {} : { gatewayPort: before.gatewayPort }),
    credentials: { operator: before?.credentials.operator ?? null, admin: LOCAL_ADMIN },
    ...(before?.people === undefined ? {} : { people: before.people }),
    deployed: before?.deployed ?? null,
  });
  await writeLocalState(projectDir, state);
  return { state, outcome: 'started' };
}

async function isUsable(state: LocalState, port: number | undefined, version: string): Promise<boolean> {
  return (
    state.emulator !== null &&
    isAlive(state.emulator) &&
    (port === undefined || port === state.port) &&
    state.emulatorVersion === version &&
    (await answers(state.port, state.caFile))
  );
}

/**
 * A host whose emulator is gone, an emulator that does not answer or stands at another port, or processes that
 * `local.json` no longer knows: two emulators on one state would destroy it.
 */
async function stopWhatIsLeft(paths: LocalPaths, before: LocalState | undefined, report: Report): Promise<void> {
  await stopSandboxHost(paths, before?.sandboxHost ?? undefined);
  await stopGateway(paths, before?.gateway ?? undefined);
  const emulator = before?.emulator ?? (await readPidFile(paths.emulatorPid));
  if (emulator === undefined) return;
  if (!isAlive(emulator)) {
    if (before?.emulator)
      report({
        phase: 'emulator',
        state: 'skipped',
        text: 'The local AWS had ended unexpectedly: what changed since its last start is lost',
      });
    return;
  }
  await inPhase(report, 'emulator', 'Stopping the local AWS of an earlier start', () => stopEmulator(paths, emulator));
}

/** The one of before, which is part of what is deployed, unless somebody else has taken it. */
async function ensureGatewayPort({ gateway, gatewayPort }: LocalState): Promise<number> {
  if (gatewayPort !== undefined && gateway != null && isAlive(gateway)) return gatewayPort;
  return choosePort(undefined, [...(gatewayPort === undefined ? [] : [gatewayPort]), DEFAULT_GATEWAY_PORT]);
}

/** It has the settings and the prices of what is deployed: another deployment is another gateway. */
async function ensureGateway(
  { projectDir, report }: LocalUpOptions,
  paths: LocalPaths,
  state: LocalState & { readonly gatewayPort: number },
  asBefore: boolean,
  env: NodeJS.ProcessEnv,
): Promise<LocalProcess> {
  const running = state.gateway ?? null;
  if (running !== null && isAlive(running) && asBefore) {
    report({ phase: 'gateway', state: 'skipped', text: 'The gateway is running' });
    return running;
  }
  await stopGateway(paths, running ?? undefined);
  const { endpoint, region, account, stage, caFile, gatewayPort: port } = state;
  const config = { endpoint, region, account, stage, caFile, port, projectDir, credentials: state.credentials.admin };
  return inPhase(
    report,
    'gateway',
    'Starting the gateway',
    () => startGateway(paths, config, env),
    () => `Models are called through ${localModelsUrl(port)}`,
  );
}

async function ensureSandboxHost(
  options: LocalUpOptions,
  paths: LocalPaths,
  state: LocalState,
  emulatorIsNew: boolean,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly state: LocalState; readonly isolation: Isolation | null }> {
  const running = state.sandboxHost;
  if (running !== null && isAlive(running) && !emulatorIsNew) {
    const isolation = await readIsolation(running.statusFile);
    if (isolation !== null && (options.driver ?? 'process') === isolation.driver) {
      options.report({ phase: 'sandbox-host', state: 'skipped', text: 'The sandbox host is running' });
      return { state, isolation };
    }
  }
  await stopSandboxHost(paths, running ?? undefined);
  const host = await inPhase(
    options.report,
    'sandbox-host',
    'Starting the sandbox host',
    () =>
      startSandboxHost(
        paths,
        {
          endpoint: state.endpoint,
          port: state.port,
          region: state.region,
          account: state.account,
          stage: state.stage,
          caFile: state.caFile,
          credentials: state.credentials.admin,
          ...(state.gatewayPort === undefined ? {} : { modelsUrl: localModelsUrl(state.gatewayPort) }),
          ...(options.driver === undefined ? {} : { driver: options.driver }),
        },
        env,
      ),
    ({ isolation }) => `Sandboxes run with the driver \`${isolation.driver}\``,
  );
  return { state: { ...state, sandboxHost: host.process }, isolation: host.isolation };
}
