import { WfloError } from '../../../lib/errors.ts';
import { parseExecutionId, stateMachineName } from '../../../lib/execution/identity.ts';
import type { WorkflowConfig } from '../../../lib/execution/machine.ts';
import type { Json } from '../../../lib/json.ts';
import type { Clock, MachineExecution, StateMachines, Workflows } from '../../../lib/ports.ts';
import { FakeClock } from './fake-clock.ts';

/** Stage `dev` of account 123456789012. */
export class FakeStateMachines implements StateMachines, Workflows {
  readonly #configs = new Map<string, WorkflowConfig>();
  readonly #executions = new Map<string, MachineExecution>();
  readonly #clock: Clock;

  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock ?? new FakeClock();
  }

  deploy(config: WorkflowConfig): this {
    this.#configs.set(config.name, config);
    return this;
  }

  /** Sets the state of an execution, such as one that was started past the control API. */
  set(executionArn: string, execution: Partial<MachineExecution>): this {
    const before = this.#executions.get(executionArn) ?? {
      status: 'RUNNING',
      startedAt: this.#clock.now().toISOString(),
    };
    this.#executions.set(executionArn, { ...before, ...execution });
    return this;
  }

  async names(): Promise<readonly string[]> {
    return [...this.#configs.keys()].sort();
  }

  async config(workflow: string): Promise<WorkflowConfig | undefined> {
    return this.#configs.get(workflow);
  }

  executionArn(executionId: string): string {
    const { workflow, name } = parseExecutionId(executionId);
    return `arn:aws:states:us-east-1:123456789012:execution:${stateMachineName('dev', workflow)}:${name}`;
  }

  async start(executionId: string, input: Json): Promise<'started' | 'exists'> {
    const { workflow } = parseExecutionId(executionId);
    if (!this.#configs.has(workflow)) throw new WfloError('unknown_workflow', `no workflow ${workflow} is deployed`);
    const arn = this.executionArn(executionId);
    if (this.#executions.has(arn)) return 'exists';
    this.set(arn, { status: 'RUNNING', input: JSON.stringify(input) });
    return 'started';
  }

  async describe(executionArn: string): Promise<MachineExecution | undefined> {
    return this.#executions.get(executionArn);
  }

  async stop(executionArn: string, error: string, cause: string): Promise<void> {
    if (this.#executions.get(executionArn)?.status !== 'RUNNING') return;
    this.set(executionArn, { status: 'ABORTED', error, cause });
  }
}
