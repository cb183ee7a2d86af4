import type { Isolation } from '../contract.ts';

/** A task of the cluster, with what its container needs. */
export interface SandboxTask {
  readonly taskArn: string;
  /** Last part of the ARN; also the name of the task's folder. */
  readonly taskId: string;
  readonly clusterArn: string;
  readonly taskDefinitionArn: string;
  readonly image: string;
  /** Of the task definition, overridden by that of RunTask. */
  readonly environment: { readonly [name: string]: string };
}

export interface SandboxEnd {
  /** As a shell would show it: 128 + n for signal n. */
  readonly code: number;
  readonly detail: string;
}

export interface RunningSandbox {
  /** Settles when the runner has ended and nothing of its agent runs any more. */
  readonly ended: Promise<SandboxEnd>;
  /** SIGTERM, and after the grace time everything is killed. */
  stop(): void;
}

/** How sandboxes run on this machine. */
export interface SandboxDriver {
  readonly isolation: Isolation;
  /** Throws where the runner could not be started. */
  start(task: SandboxTask): Promise<RunningSandbox>;
  /** Ids of tasks that an earlier host took and did not end. */
  leftovers(): Promise<readonly string[]>;
  /** Kills what still runs of a task and deletes what it left. */
  discard(taskId: string): Promise<void>;
  close(): Promise<void>;
}
