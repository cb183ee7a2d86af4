import type { ControlApiClient } from '../../lib/client/client.ts';

/** One thing that a deployment in a real account has to show. */
export interface Check {
  readonly id: string;
  readonly what: string;
  /** Why it is not run on the local AWS. Absent where `test/e2e/smoke.test.ts` does that. */
  readonly notLocally?: string;
  /** Resolves with the evidence. Throws `NotShown` with what was seen instead. */
  run(stage: DeployedStage): Promise<string>;
}

export class NotShown extends Error {
  override readonly name = 'NotShown';
}

export function show(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new NotShown(otherwise);
}

/** What checks may look at and do. `aws-stage.ts` is the one on AWS. */
export interface DeployedStage {
  readonly region: string;
  readonly controlApiUrl: string;
  /** Signed by the person who runs the smoke run: an administrator, and the one member of `smoke-approvers`. */
  readonly client: ControlApiClient;
  /** Executions that were started; the check of chains goes through them. */
  readonly executionIds: Set<string>;
  networkMode(): Promise<string>;
  /** `CUSTOMER_MANAGED_KMS_KEY` or `AWS_OWNED_KEY`. */
  machineEncryption(workflow: string): Promise<string>;
  /** `StopExecution`, as somebody in the console would. */
  stopMachine(executionId: string, cause: string): Promise<void>;
  runningTasks(): Promise<readonly string[]>;
  /** How many lines of the log group `/wflo/<stage>/<name>` hold this text. */
  countLogLines(name: string, text: string): Promise<number>;
  /** Messages in every queue of the stage, by name. */
  queueDepths(): Promise<Readonly<Record<string, number>>>;
  alarms(): Promise<readonly { readonly name: string; readonly state: string }[]>;
  /** Deploys the changed edition of `smoke-gate` over the first one. */
  deployChange(): Promise<void>;
  /** Looks until it holds; throws `NotShown` with the last look after the time. */
  eventually<T>(look: () => Promise<T>, holds: (seen: T) => boolean, what: string): Promise<T>;
}
