import type { SandboxDriver } from '../../lib/local-cloud/sandbox-host/sandbox-driver.ts';
import type { Agent, DriverName } from './case.ts';

/** A driver under test, with what a test must know of it that a sandbox host need not. */
export interface Target {
  readonly name: DriverName;
  readonly driver: SandboxDriver;
  /** Of the task definition, for the image of an agent. */
  imageOf(image: NonNullable<Agent['image']>): string;
  killRunner(taskId: string): Promise<void>;
  /** What is left of a task after its end: a line per process, container or folder. */
  remains(taskId: string): Promise<readonly string[]>;
  /** What the runner of a task wrote about itself. */
  said(taskId: string): string;
  close(): Promise<void>;
}
