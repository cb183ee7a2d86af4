import { closeExecution } from '../../lambdas/close-execution/close.ts';
import { endExecution } from '../../lambdas/end-execution/end.ts';
import { finishStep } from '../../lambdas/finish-step/finish.ts';
import { invokeStep } from '../../lambdas/invoke-step/invoke.ts';
import { openExecution } from '../../lambdas/open-execution/open.ts';
import { prepareStep } from '../../lambdas/prepare-step/prepare.ts';
import { claimChanges } from '../../lib/execution/claim.ts';
import type {
  CaughtError,
  LambdaStepConfig,
  MachineState,
  PrepareAnswer,
  SandboxStepConfig,
  StepConfig,
  WorkflowConfig,
} from '../../lib/execution/machine.ts';
import type { AttemptRecord, ExecutionRecord, FinishAnswer, LeaseRecord } from '../../lib/execution/records.ts';
import type { Json } from '../../lib/json.ts';
import type { Completion } from '../../lib/sandbox/completion-hash.ts';
import type { Exit } from '../../lib/sandbox/exit.ts';
import { leaseCheckAt } from '../../lib/sandbox/lease.ts';
import { RUNNER_ENV } from '../../lib/sandbox/protocol.ts';
import { outcomeKey } from '../../lib/sandbox/upload-key.ts';
import type { Template } from '../../lib/workflow/template.ts';
import { costPorts } from './fakes/cost-ports.ts';
import { FakeAuditStore } from './fakes/fake-audit-store.ts';
import { FakeBlobStore } from './fakes/fake-blob-store.ts';
import { FakeClock } from './fakes/fake-clock.ts';
import { FakeEventBus } from './fakes/fake-event-bus.ts';
import { FakeExecutionStore } from './fakes/fake-execution-store.ts';
import { FakeIds } from './fakes/fake-ids.ts';
import { fakePeopleStore } from './fakes/fake-people-store.ts';
import { FakeSandboxTasks } from './fakes/fake-sandbox-tasks.ts';
import { FakeStateMachines } from './fakes/fake-state-machines.ts';
import { FakeStepFunctionInvoker } from './fakes/fake-step-function-invoker.ts';
import { outcomeText, RUNNER_KEY } from './signed-outcome.ts';

export const EXECUTION_ID = 'report:one';
export const EXECUTION_ARN = 'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:one';
export const STARTED_AT = '2026-01-01T00:00:00.000Z';
export const DEFINITION_HASH = 'd'.repeat(64);
const TASK_DEFINITION = 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:1';

const acting = {
  effects: 'none',
  idempotent: false,
  retry: { maxRetries: 2, initialDelaySeconds: 2, maxDelaySeconds: 30 },
  timeoutSeconds: 60,
  outputSchema: {
    type: 'object',
    properties: { risk: { type: 'number' }, note: { type: 'string', default: 'none' } },
    required: ['risk'],
  },
  refs: [{ alias: 'risk', path: ['risk'] }],
} as const;

export const PLAN: SandboxStepConfig = {
  ...acting,
  kind: 'sandbox',
  path: 'plan',
  image: 'python',
  command: [{ literal: 'python' }, { literal: 'plan.py' }],
  env: { TABLE: { ref: { source: { from: 'input' }, path: ['table'] } } },
  input: { object: { days: { ref: { source: { from: 'input' }, path: ['days'] } } } },
  cpu: 0.25,
  memoryMib: 512,
};

export const APPLY: LambdaStepConfig = {
  ...acting,
  kind: 'lambda',
  path: 'apply',
  effects: 'irreversible',
  with: { object: { risk: { ref: { source: { from: 'step', step: 'plan' }, path: ['risk'] } } } },
};

export const WORKFLOW: WorkflowConfig = {
  name: 'report',
  inputSchema: {
    type: 'object',
    properties: { table: { type: 'string' }, days: { type: 'integer', default: 30 } },
    required: ['table'],
  },
  timeoutSeconds: 3600,
  steps: [
    { path: 'plan', kind: 'sandbox' },
    { path: 'apply', kind: 'lambda' },
  ],
  stepKeys: ['plan', 'apply'],
  inputRefs: [{ alias: 'days', path: ['days'] }],
  gates: [],
};

/** The graph of one execution, moved by hand: every method is one state of the machine, or what happens in Run. */
export class ExecutionScene {
  readonly clock = new FakeClock('2026-01-01T00:00:01.000Z');
  readonly ids = new FakeIds();
  readonly executions = new FakeExecutionStore({ clock: this.clock, ids: this.ids });
  readonly blobs = new FakeBlobStore();
  readonly tasks = new FakeSandboxTasks({ clock: this.clock });
  readonly #cost = costPorts({ clock: this.clock, leases: this.executions });
  readonly ledger = this.#cost.ledger;
  readonly budgets = this.#cost.budgets;
  readonly announcements = this.#cost.announcements;
  prices = this.#cost.prices;
  readonly machines = new FakeStateMachines({ clock: this.clock });
  readonly invoker = new FakeStepFunctionInvoker();
  readonly people = fakePeopleStore({ clock: this.clock });
  readonly audit = new FakeAuditStore();
  readonly bus = new FakeEventBus();
  readonly outbox = this.executions;
  readonly stage = 'dev';
  readonly random = () => 0.5;
  /** Why each `outcome.json` that was looked at did not count. */
  readonly outcomesRefused: string[] = [];
  readonly signals = { outcomeRefused: (_lease: unknown, why: string) => void this.outcomesRefused.push(why) };
  state: MachineState = {
    schema: 1,
    execution: { id: EXECUTION_ID },
    input: { ref: { at: 'item', key: 'input', sha256: '', bytes: 0 }, refs: {} },
    steps: {},
    step: null,
  };

  async open(
    input: Json = { table: 'orders' },
    event: { readonly startedAt?: string; readonly executionArn?: string; readonly workflow?: string } = {},
  ) {
    const answer = await openExecution(this, {
      schema: 1,
      executionArn: EXECUTION_ARN,
      startedAt: STARTED_AT,
      input,
      workflow: JSON.stringify(WORKFLOW),
      definitionHash: DEFINITION_HASH,
      ...event,
    });
    if (answer.ok) this.state = answer.state;
    return answer;
  }

  prepare(step: StepConfig = PLAN, enteredAt = this.clock.now().toISOString()): Promise<PrepareAnswer> {
    return prepareStep(this, {
      schema: 1,
      executionId: EXECUTION_ID,
      enteredAt,
      step: JSON.stringify(step),
      target:
        step.kind === 'sandbox'
          ? { taskDefinition: TASK_DEFINITION, codeSha256: 'c'.repeat(64) }
          : step.kind === 'lambda'
            ? { functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:apply:3' }
            : null,
      input: this.state.input,
      steps: this.state.steps,
    });
  }

  /** Run of a sandbox: a task is started for the lease. */
  startTask(
    prepared: PrepareAnswer,
    step: StepConfig = PLAN,
    taskArn = `arn:task/${step.path}/${prepared.attempt}`,
  ): string {
    this.tasks.add({
      taskArn,
      taskDefinitionArn: TASK_DEFINITION,
      environment: {
        [RUNNER_ENV.execution]: EXECUTION_ID,
        [RUNNER_ENV.step]: step.path,
        [RUNNER_ENV.attempt]: String(prepared.attempt),
        [RUNNER_ENV.lease]: prepared.leaseId,
      },
    });
    return taskArn;
  }

  /** The runner claims the lease. */
  async claim(prepared: PrepareAnswer, taskArn: string, step: StepConfig = PLAN): Promise<boolean> {
    const attempt = await this.attempt(step.path, prepared.attempt);
    const lease = await this.lease(step.path, prepared.attempt);
    const now = this.clock.now();
    const taken = {
      taskArn,
      outcomeKey: RUNNER_KEY.publicKey,
      lastHeartbeatAt: now.toISOString(),
      checkAt: leaseCheckAt(now),
    };
    return this.executions.commit({
      executionId: EXECUTION_ID,
      changes: claimChanges(attempt, lease, now, taken),
      events: [],
    });
  }

  /** The runner reports an outcome. */
  async complete(prepared: PrepareAnswer, exit: Exit, output?: Json, step: StepConfig = PLAN): Promise<boolean> {
    const { path } = step;
    const { attempt } = prepared;
    const handle =
      output === undefined ? undefined : await this.blobs.put(EXECUTION_ID, `output/${path}/${attempt}`, output);
    return this.executions.commit({
      executionId: EXECUTION_ID,
      changes: [
        {
          item: 'attempt',
          path,
          attempt,
          set: {
            status: 'exited',
            exit,
            exitedAt: this.clock.now().toISOString(),
            ...(handle === undefined ? {} : { output: handle }),
          },
          expect: { status: 'running' },
        },
        {
          item: 'lease',
          path,
          attempt,
          set: { status: 'completed' },
          remove: ['checkAt'],
          expect: { status: 'claimed' },
        },
      ],
      events: [],
    });
  }

  /** The runner leaves its outcome as `outcome.json`. */
  async leave(completion: Partial<Completion> = {}, changed: Parameters<typeof outcomeText>[2] = {}): Promise<void> {
    const lease = await this.lease();
    this.blobs.uploads.set(outcomeKey(lease, lease.leaseId), outcomeText(lease, completion, changed));
  }

  invoke(prepared: PrepareAnswer, step: StepConfig = APPLY) {
    const { attempt, leaseId, code } = prepared;
    return invokeStep(this, { schema: 1, executionId: EXECUTION_ID, path: step.path, attempt, leaseId, code });
  }

  async finish(prepared: PrepareAnswer, step: StepConfig = PLAN, caught?: CaughtError): Promise<FinishAnswer> {
    const answer = await finishStep(this, {
      schema: 1,
      executionId: EXECUTION_ID,
      step: JSON.stringify(step),
      prepared: { ...prepared, ...(caught === undefined ? {} : { caught }) },
    });
    this.state = { ...this.state, steps: { ...this.state.steps, [step.path]: answer } };
    return answer;
  }

  /** A whole sandbox step that ends well. */
  async succeed(step: StepConfig = PLAN, output: Json = { risk: 12 }): Promise<FinishAnswer> {
    const prepared = await this.prepare(step);
    const taskArn = this.startTask(prepared, step);
    await this.claim(prepared, taskArn, step);
    await this.complete(prepared, { reason: 'ok', code: 0 }, output, step);
    await this.tasks.stop(taskArn, 'runner ended: exit=0');
    return this.finish(prepared, step);
  }

  close(output: Template = { ref: { source: { from: 'step', step: 'plan' }, path: [] } }) {
    const { input, steps } = this.state;
    return closeExecution(this, { schema: 1, executionId: EXECUTION_ID, output: JSON.stringify(output), input, steps });
  }

  end() {
    return endExecution(this, EXECUTION_ARN);
  }

  async beginToCancel(reason = 'enough'): Promise<void> {
    const ending = { status: 'cancelled', actor: { type: 'person', id: 'ada', via: 'api' }, reason } as const;
    await this.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { ending } }],
      events: [],
    });
  }

  async execution(): Promise<ExecutionRecord> {
    return present(await this.executions.getExecution(EXECUTION_ID));
  }

  async attempt(path = 'plan', attempt = 1): Promise<AttemptRecord> {
    return present(await this.executions.getAttempt(EXECUTION_ID, path, attempt));
  }

  async lease(path = 'plan', attempt = 1): Promise<LeaseRecord> {
    return present(await this.executions.getLease(EXECUTION_ID, path, attempt));
  }

  /** Types of all events so far, in order, but for what something cost. */
  events(): readonly string[] {
    const types = this.executions.events(EXECUTION_ID).map(({ eventType }) => eventType);
    return types.filter((type) => type !== 'cost.settled');
  }

  /** What was told of the cost of attempts, in order. */
  costs() {
    return this.executions
      .events(EXECUTION_ID)
      .filter(({ eventType }) => eventType === 'cost.settled')
      .map(({ stepPath, attempt, data }) => ({ stepPath, attempt, ...data }));
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is no such record');
  return value;
}

/** Lets something happen once, just before the next commit looks at the records. */
export function beforeNextCommit(store: FakeExecutionStore, happen: () => Promise<unknown>): void {
  store.beforeCommit = async () => {
    store.beforeCommit = undefined;
    await happen();
  };
}
