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
  /** 1,024 are one vCPU. */
  readonly cpu?: number;
  readonly memoryMiB?: number;
  readonly container?: Partial<ContainerSettings>;
}

/** What the task definition says of the container beside its image and environment. */
export interface ContainerSettings {
  readonly readonlyRoot: boolean;
  readonly droppedCapabilities: readonly string[];
  /** An init process reaps what the runner cannot wait for. */
  readonly init: boolean;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Scratch volumes. */
  readonly mountPoints: readonly { readonly path: string; readonly readOnly: boolean }[];
  /** Absent: those of the image. */
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly workingDirectory?: string;
  /** From SIGTERM to SIGKILL. */
  readonly stopSeconds?: number;
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
