import { closeExecution } from '../../lambdas/close-execution/close.ts';
import { endExecution } from '../../lambdas/end-execution/end.ts';
import { finishStep } from '../../lambdas/finish-step/finish.ts';
import { invokeStep } from '../../lambdas/invoke-step/invoke.ts';
import { openExecution } from '../../lambdas/open-execution/open.ts';
import { prepareOrReserve } from '../../lambdas/prepare-step/prepare-or-reserve.ts';
import { endIfPastTimeout } from '../../lambdas/reconcile/checks/past-timeout.ts';
import type { ReconcilePorts } from '../../lambdas/reconcile/ports.ts';
import type { SandboxApiPorts } from '../../lambdas/serve-sandbox-api/ports.ts';
import { expireApproval } from '../approvals/expire.ts';
import { answerOf } from '../approvals/resume.ts';
import { actingStepsOf, gatesOf } from '../compiler/steps-of.ts';
import { DEFAULT_TENANT, GRAPH } from '../execution/actors.ts';
import { stateMachineName } from '../execution/identity.ts';
import { inputHash } from '../execution/input-hash.ts';
import type {
  CloseEvent,
  ExpireApprovalEvent,
  FinishEvent,
  InvokeEvent,
  OpenEvent,
  PrepareEvent,
  RequestApprovalEvent,
  ReserveEvent,
} from '../execution/machine.ts';
import { type ExecutionRecord, SCHEMA } from '../execution/records.ts';
import type { Json } from '../json.ts';
import type { MachineExecution } from '../ports.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { ApprovalStub } from './approval-answers.ts';
import { askPeople } from './ask-people.ts';
import { countedIds } from './counted-ids.ts';
import { freeLedger } from './free-ledger.ts';
import { MemoryBlobs } from './memory-blobs.ts';
import { MemoryStore } from './memory-store.ts';
import { MemoryTasks } from './memory-tasks.ts';
import { stubbedFunctions } from './run-function.ts';
import type { StepStub } from './step-answers.ts';
import { type Groups, TestPeople } from './test-people.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Stubs {
  readonly steps: { readonly [path: string]: StepStub };
  readonly approvals: { readonly [path: string]: ApprovalStub };
}

export interface WorldOptions {
  readonly definition: WorkflowDefinition;
  readonly time: VirtualTime;
  readonly stubs: Stubs;
  readonly requester: string;
  readonly groups: Groups | undefined;
  /** From 0 to 1 (exclusive). */
  readonly random: number;
}

const STAGE = 'test';

/** Wflo's own functions, deployed in memory. */
export class World {
  readonly definition: WorkflowDefinition;
  readonly time: VirtualTime;
  readonly clock: VirtualTime;
  readonly stubs: Stubs;
  readonly ids = countedIds();
  readonly executions = new MemoryStore();
  readonly blobs = new MemoryBlobs();
  readonly tasks: MemoryTasks;
  readonly cost: ReturnType<typeof freeLedger>;
  readonly people: TestPeople;
  readonly stage = STAGE;
  readonly cluster = 'test';
  readonly executionId: string;
  readonly executionArn: string;
  readonly #requester: string;
  readonly #random: number;
  readonly #invoker;

  constructor({ definition, time, stubs, requester, groups, random }: WorldOptions) {
    this.definition = definition;
    this.time = time;
    this.clock = time;
    this.tasks = new MemoryTasks(time);
    this.cost = freeLedger(time);
    this.stubs = stubs;
    this.people = new TestPeople(groups, mostPeople(definition));
    this.executionId = `${definition.name}:test`;
    this.executionArn = `arn:aws:states:us-east-1:000000000000:execution:${stateMachineName(STAGE, definition.name)}:test`;
    this.#requester = requester;
    this.#random = random;
    this.#invoker = stubbedFunctions(this);
  }

  /** As the control API records a start, so that it is proven who the requester is. */
  async announce(input: Json): Promise<void> {
    const record: ExecutionRecord = {
      schema: SCHEMA,
      executionId: this.executionId,
      workflow: this.definition.name,
      tenant: DEFAULT_TENANT,
      status: 'starting',
      executionArn: this.executionArn,
      requester: { type: 'person', id: this.#requester, via: 'api' },
      inputHash: inputHash(input),
      steps: [],
      startedAt: this.time.now().toISOString(),
      eventCount: 0,
      traceId: this.executionId,
    };
    const changes = [{ item: 'execution', put: record }] as const;
    await this.executions.commit({ executionId: this.executionId, changes, events: [] });
  }

  async callFunction(placeholder: string, payload: Json): Promise<Json> {
    const call = this.#functions[placeholder];
    if (call === undefined) throw new Error(`${placeholder} is no function of Wflo`);
    return JSON.parse(JSON.stringify(await call(payload))) as Json;
  }

  /** As `reconcile` ends what is past the time limit of its workflow. */
  async timeOut(): Promise<void> {
    const machines = { ...this.#machines({ status: 'RUNNING' }), stop: async () => {} };
    const ports = { ...this.ports, tasks: this.tasks, machines };
    // Of the ports of all checks, this one takes no others.
    await endIfPastTimeout(ports as unknown as ReconcilePorts, await this.execution());
    await this.end({ status: 'ABORTED' });
  }

  /** What the rule for ended machines does. */
  async end(machine: Omit<MachineExecution, 'startedAt'>): Promise<void> {
    const signals = { outcomeRefused: () => {} };
    const ports = { ...this.ports, signals, tasks: this.tasks, machines: this.#machines(machine) };
    await endExecution(ports, this.executionArn);
  }

  async execution(): Promise<ExecutionRecord> {
    const execution = await this.executions.getExecution(this.executionId);
    if (execution === undefined) throw new Error('the execution is not recorded');
    return execution;
  }

  workspaceFrom(path: string): string | undefined {
    const step = actingStepsOf(this.definition.body).find((other) => other.path === path);
    return step?.kind === 'sandbox' ? step.workspaceFrom : undefined;
  }

  get sandboxApi(): SandboxApiPorts {
    return {
      ...this.ports,
      store: this.executions,
      tasks: this.tasks,
      logs: { write: async () => {}, read: async () => ({ items: [] }) },
      signals: {
        count() {},
        noticed() {},
        failed(_verb, error) {
          throw error;
        },
      },
      cluster: this.cluster,
    };
  }

  #machines(machine: Omit<MachineExecution, 'startedAt'>) {
    return { describe: async () => ({ startedAt: this.time.now().toISOString(), ...machine }) };
  }

  get ports() {
    const { executions, blobs, people, clock, ids, stage, cost } = this;
    return { executions, blobs, people, clock, ids, stage, ...cost };
  }

  readonly #functions: { readonly [placeholder: string]: (payload: unknown) => Promise<unknown> } = {
    '${OpenExecutionFn}': (event) => openExecution(this.ports, event as OpenEvent),
    '${PrepareStepFn}': (event) => prepareOrReserve(this.ports, event as PrepareEvent | ReserveEvent),
    '${InvokeStepFn}': (event) => invokeStep({ ...this.ports, invoker: this.#invoker }, event as InvokeEvent),
    '${RequestApprovalFn}': (event) => askPeople(this, event as RequestApprovalEvent),
    '${ExpireApprovalFn}': async (event) => {
      const { approvalId } = event as ExpireApprovalEvent;
      const approval = await expireApproval(this.ports, approvalId, GRAPH, 'cancel');
      return approval === null ? { decision: 'refused' } : answerOf(approval);
    },
    '${FinishStepFn}': (event) =>
      finishStep(
        {
          ...this.ports,
          tasks: this.tasks,
          random: () => this.#random,
          signals: { outcomeRefused: () => {} },
        },
        event as FinishEvent,
      ),
    '${CloseExecutionFn}': (event) => closeExecution(this.ports, event as CloseEvent),
  };
}

/** How many people the most demanding gate needs, beside a requester who may not decide. */
function mostPeople({ body }: WorkflowDefinition): number {
  const needs = gatesOf(body).map(({ policy }) => policy.from.reduce((sum, { min }) => sum + min, 0));
  return Math.max(0, ...needs);
}
