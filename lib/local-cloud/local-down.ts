import { WfloError } from '../errors.ts';
import { readPidFile } from './background-process.ts';
import type { LocalDownResult, LocalOptions } from './contract.ts';
import { stopEmulator } from './emulator.ts';
import { stopGateway } from './gateway-process.ts';
import { withLocalLock } from './local-lock.ts';
import { readLocalState, writeLocalState } from './local-state.ts';
import { type LocalPaths, localPaths } from './paths.ts';
import { isAlive } from './process-identity.ts';
import { inPhase, type Report } from './progress.ts';
import { stopSandboxHost } from './sandbox-host-process.ts';

/** Stops the sandbox host, the gateway and the emulator, which writes its state. Nothing running is no error. */
export function localDown(options: LocalOptions): Promise<LocalDownResult> {
  const { projectDir, report } = options;
  return withLocalLock(projectDir, async () => {
    // A file that cannot be read keeps nothing from being stopped; whoever needs what it held says so.
    const state = await readLocalState(projectDir).catch((error: unknown) => {
      if (WfloError.is(error) && error.code === 'local_state_corrupt') return undefined;
      throw error;
    });
    const result = await stopProcesses(localPaths(projectDir), report);
    if (state !== undefined)
      await writeLocalState(projectDir, { ...state, emulator: null, sandboxHost: null, gateway: null });
    return result;
  });
}

/**
 * The host first: it has sandboxes to stop, and tells the emulator so. Then the gateway, which settles what runs. All are found by their pid files, which say
 * the same as `local.json` and are there when that is lost or unreadable.
 */
export async function stopProcesses(paths: LocalPaths, report: Report, keepState = true): Promise<LocalDownResult> {
  const host = await readPidFile(paths.sandboxHostPid);
  const emulator = await readPidFile(paths.emulatorPid);
  const sandboxHost =
    host !== undefined && isAlive(host)
      ? await inPhase(report, 'sandbox-host', 'Stopping the sandbox host', () => stopSandboxHost(paths, host))
      : await stopSandboxHost(paths, host);
  const models = await readPidFile(paths.gatewayPid);
  const gateway =
    models !== undefined && isAlive(models)
      ? await inPhase(report, 'gateway', 'Stopping the gateway', () => stopGateway(paths, models))
      : await stopGateway(paths, models);
  const stopped =
    emulator !== undefined && isAlive(emulator)
      ? await inPhase(report, 'emulator', 'Stopping the local AWS', () => stopEmulator(paths, emulator, keepState))
      : await stopEmulator(paths, emulator);
  return { emulator: stopped, sandboxHost, gateway };
}
