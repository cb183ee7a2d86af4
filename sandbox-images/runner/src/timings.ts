/** Waiting times of the runner in milliseconds. Fixed in production; tests of the runner shorten them in-process. */
export interface Timings {
  /** From SIGTERM to SIGKILL of the agent's process group. */
  readonly killGraceMs: number;
  /** How long the pipes of a dead agent may stay open. */
  readonly drainMs: number;
  /** How long a claim is retried. */
  readonly claimMs: number;
  /** How long lines of the agent wait at most before they are sent, while it runs. */
  readonly liveLogsMs: number;
  /** How long a heartbeat, or log lines between heartbeats, are retried before the next one is due. */
  readonly heartbeatRetryMs: number;
  /** How long code and input are fetched, and metadata is asked for. */
  readonly fetchMs: number;
  /** How long the outcome, and what belongs to it, is offered. */
  readonly deliveryMs: number;
  /** How long the last log lines are offered, once the outcome is accepted. */
  readonly lastLogsMs: number;
  /** Time limit of one request. */
  readonly requestMs: number;
  /** How long a connection to the model gateway may take. */
  readonly modelConnectMs: number;
  /** How long a model call may be silent; longer than the gateway lets pass without a sign of life. */
  readonly modelIdleMs: number;
  /** First and largest pause between tries; doubled in between, with full jitter. */
  readonly backoffMs: readonly [number, number];
}

export const TIMINGS: Timings = {
  killGraceMs: 5_000,
  drainMs: 2_000,
  claimMs: 5 * 60_000,
  liveLogsMs: 2_000,
  heartbeatRetryMs: 20_000,
  fetchMs: 2 * 60_000,
  deliveryMs: 10 * 60_000,
  lastLogsMs: 60_000,
  requestMs: 30_000,
  modelConnectMs: 10_000,
  modelIdleMs: 330_000,
  backoffMs: [250, 10_000],
};
