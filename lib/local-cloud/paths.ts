import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the wflo package itself: where `lib/`, `bin/` and `node_modules/` are. */
export const PACKAGE_DIR = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that the local AWS keeps, below `.wflo/` of the project. */
export interface LocalPaths {
  readonly root: string;
  readonly stateFile: string;
  readonly lockFile: string;
  readonly venv: string;
  /** Deleted by `reset`; everything below belongs to the emulator, the sandbox host and the gateway. */
  readonly cloud: string;
  readonly emulatorState: string;
  readonly emulatorObjects: string;
  readonly emulatorTmp: string;
  readonly emulatorHome: string;
  /** Holds one link, `node`: the functions run on the Node that runs this process. */
  readonly nodeBin: string;
  readonly caFile: string;
  readonly emulatorPid: string;
  readonly sandboxHost: string;
  readonly sandboxHostPid: string;
  readonly gateway: string;
  readonly gatewayPid: string;
  readonly assembly: string;
  readonly logs: string;
  readonly emulatorLog: string;
  readonly sandboxHostLog: string;
  readonly gatewayLog: string;
  readonly cdkLog: string;
}

export function localPaths(projectDir: string): LocalPaths {
  const root = join(projectDir, '.wflo');
  const cloud = join(root, 'cloud');
  const logs = join(root, 'logs');
  const emulatorTmp = join(cloud, 'tmp');
  return {
    root,
    stateFile: join(root, 'local.json'),
    lockFile: join(root, 'local.lock'),
    venv: join(root, 'venv'),
    cloud,
    emulatorState: join(cloud, 'state'),
    emulatorObjects: join(cloud, 's3'),
    emulatorTmp,
    emulatorHome: join(cloud, 'home'),
    nodeBin: join(cloud, 'bin'),
    // Written there by the emulator, which takes it again at its next start.
    caFile: join(emulatorTmp, 'ministack-tls', 'server.crt'),
    emulatorPid: join(root, 'emulator.pid.json'),
    sandboxHost: join(cloud, 'sandbox-host'),
    sandboxHostPid: join(root, 'sandbox-host.pid.json'),
    gateway: join(cloud, 'gateway'),
    gatewayPid: join(root, 'gateway.pid.json'),
    assembly: join(cloud, 'cdk.out'),
    logs,
    emulatorLog: join(logs, 'emulator.log'),
    sandboxHostLog: join(logs, 'sandbox-host.log'),
    gatewayLog: join(logs, 'gateway.log'),
    cdkLog: join(logs, 'cdk.log'),
  };
}
