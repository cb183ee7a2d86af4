import type { LocalState } from './local-state.ts';
import type { Report } from './progress.ts';

/** Every function takes these; `projectDir` is the folder with `cdk.json` and `state-machines/`. */
export interface LocalOptions {
  readonly projectDir: string;
  readonly report: Report;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface LocalUpOptions extends LocalOptions {
  /** Where it is taken, `port_in_use`. Absent: the port of the last `up`, else a free one. */
  readonly port?: number;
  /** Default: `wflo:stage` of cdk.json, else `dev`. */
  readonly stage?: string;
  /** How sandboxes run; the host refuses one that it does not have. Absent: as processes of this machine. */
  readonly driver?: 'docker' | 'process';
  /** File to which each call that a role makes is appended, for tests of permissions; of a local AWS that this starts. */
  readonly recordCalls?: string;
}

/**
 * `localUp(options): Promise<LocalUpResult>`. Throws `python_missing`, `local_setup_failed`, `port_in_use`,
 * `local_locked`, `local_state_corrupt`, `deploy_failed`, and with what the app refuses (`invalid_definition` …).
 */
export interface LocalUpResult {
  readonly state: LocalState;
  /** Base URL of the emulator. */
  readonly endpoint: string;
  readonly controlApiUrl: string | null;
  /** Names of the deployed workflows, sorted. */
  readonly workflows: readonly string[];
  readonly emulator: 'started' | 'already_running';
  /** `unchanged`: the sources are those of the last deployment. */
  readonly deploy: 'deployed' | 'unchanged';
  readonly isolation: Isolation | null;
  readonly milliseconds: number;
}

/** `localDown(options): Promise<LocalDownResult>`. Nothing running is no error. State is kept for the next `up`. */
export interface LocalDownResult {
  readonly emulator: 'stopped' | 'killed' | 'not_running';
  readonly sandboxHost: 'stopped' | 'killed' | 'not_running';
  readonly gateway: 'stopped' | 'killed' | 'not_running';
}

/** `localReset(options): Promise<LocalResetResult>`: down, then the state is deleted. The installed emulator is kept. */
export interface LocalResetResult extends LocalDownResult {
  /** Paths that were deleted. */
  readonly deleted: readonly string[];
}

/** `localStatus({ projectDir }): Promise<LocalStatus>`: never changes anything. */
export interface LocalStatus {
  /** `none`: never started, or reset. `died`: it should run and does not. `stopped`: ended by `local down`. */
  readonly condition: 'running' | 'stopped' | 'died' | 'none';
  readonly endpoint: string | null;
  readonly controlApiUrl: string | null;
  readonly stage: string | null;
  readonly emulator: ProcessStatus;
  readonly sandboxHost: ProcessStatus;
  readonly gateway: ProcessStatus;
  /** Where agents find the gateway; null before the first start. */
  readonly modelsUrl: string | null;
  readonly versions: { readonly wflo: string; readonly node: string; readonly emulator: string; readonly cdk: string };
  readonly workflows: readonly string[];
  /** When the deployed sources were deployed. */
  readonly deployedAt: string | null;
  /** The sources have changed since. Null before the first deploy. */
  readonly deployOutdated: boolean | null;
  readonly isolation: Isolation | null;
  readonly differsFromAws: readonly string[];
}

export interface ProcessStatus {
  readonly alive: boolean;
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly logFile: string;
  /** The end of the log, only where the process has died. */
  readonly lastLogLines?: readonly string[];
}

/** What the sandbox host enforces of a task definition on this machine. */
export interface Isolation {
  readonly driver: string;
  readonly properties: readonly IsolationProperty[];
}

export interface IsolationProperty {
  /** Such as `memory limit` or `network`. */
  readonly property: string;
  readonly enforced: boolean;
  /** How it is enforced, or what is missing. */
  readonly detail: string;
}

/** `doctor(options): Promise<DoctorReport>`: never throws for what it finds. */
export interface DoctorOptions {
  readonly projectDir: string;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly stage?: string;
}

export interface DoctorReport {
  /** False when any check failed; warnings do not count. */
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
}

export interface CheckResult {
  /** Stable, such as `node`, `python`, `docker`, `disk`. */
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What the message sums up, one entry a line. */
  readonly details?: readonly string[];
  /** What to do; always present with `warn` and `fail`. */
  readonly fix?: string;
}
