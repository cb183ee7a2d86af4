import { DIFFERS_FROM_AWS } from './aws-differences.ts';
import { lastLogLines } from './background-process.ts';
import { cdkVersion } from './cdk.ts';
import type { LocalStatus, ProcessStatus } from './contract.ts';
import { localInputHash } from './deploy-local.ts';
import { answers } from './emulator.ts';
import { localModelsUrl } from './gateway-process.ts';
import { type LocalProcess, type LocalState, readLocalState } from './local-state.ts';
import { localPaths } from './paths.ts';
import { isAlive, type ProcessTable, systemProcesses } from './process-identity.ts';
import { pinnedEmulatorVersion } from './python.ts';
import { readIsolation } from './sandbox-host-process.ts';
import { wfloVersion } from './wflo-version.ts';

/** Looks, and changes nothing. Throws `local_state_corrupt`. */
export async function localStatus(
  { projectDir }: { readonly projectDir: string },
  processes: ProcessTable = systemProcesses,
): Promise<LocalStatus> {
  const paths = localPaths(projectDir);
  const state = await readLocalState(projectDir);
  const host = state?.sandboxHost ?? null;
  const emulator = await processStatus(state?.emulator ?? null, paths.emulatorLog, processes);
  const sandboxHost = await processStatus(host, paths.sandboxHostLog, processes);
  const gateway = await processStatus(state?.gateway ?? null, paths.gatewayLog, processes);
  return {
    condition: conditionOf(state, emulator.alive && state !== undefined && (await answers(state.port, state.caFile))),
    endpoint: state?.endpoint ?? null,
    controlApiUrl: state?.deployed?.controlApiUrl ?? null,
    stage: state?.stage ?? null,
    emulator,
    sandboxHost,
    gateway,
    modelsUrl: state?.gatewayPort === undefined ? null : localModelsUrl(state.gatewayPort),
    versions: {
      wflo: wfloVersion(),
      node: process.versions.node,
      emulator: state?.emulatorVersion ?? (await pinnedEmulatorVersion()),
      cdk: cdkVersion(),
    },
    workflows: state?.deployed?.workflows ?? [],
    deployedAt: state?.deployed?.at ?? null,
    deployOutdated:
      state?.deployed == null
        ? null
        : (await localInputHash(projectDir, state.endpoint, state.stage, state.gatewayPort)) !== state.deployed.hash,
    isolation: host !== null && sandboxHost.alive ? await readIsolation(host.statusFile) : null,
    differsFromAws: DIFFERS_FROM_AWS,
  };
}

function conditionOf(state: LocalState | undefined, answering: boolean): LocalStatus['condition'] {
  if (state === undefined) return 'none';
  if (state.emulator === null) return 'stopped';
  return answering ? 'running' : 'died';
}

async function processStatus(
  known: LocalProcess | null,
  logFile: string,
  processes: ProcessTable,
): Promise<ProcessStatus> {
  if (known === null) return { alive: false, pid: null, startedAt: null, logFile };
  const alive = isAlive(known, processes);
  return {
    alive,
    pid: known.pid,
    startedAt: known.startedAt,
    logFile: known.logFile,
    ...(alive ? {} : { lastLogLines: await lastLogLines(known.logFile) }),
  };
}
