import { WfloError } from '../../lib/errors.ts';
import { parseExecutionId, stateMachineName } from '../../lib/execution/identity.ts';
import type { WorkflowConfig } from '../../lib/execution/machine.ts';
import { isJsonObject, type Json, type JsonObject } from '../../lib/json.ts';
import type { MachineExecution, StateMachines, WaitingStates, Workflows } from '../../lib/ports.ts';
import { choiceHolds } from '../../lib/testing/choice-holds.ts';
import { fillTemplate, readJsonPath, writeJsonPath } from '../../lib/testing/json-path.ts';
import type { Chance } from './random.ts';
import { never, type Simulation } from './simulation.ts';

/** A state failed. */
export class StateFailed extends Error {
  readonly error: string;

  constructor(error: string, cause: string) {
    super(cause);
    this.error = error;
  }
}

/** What a machine, or a branch of it, has going. */
export interface Scope {
  alive: boolean;
  readonly inside: Scope[];
  /** Called when it ends before what it waits for. */
  readonly leave: Set<() => void>;
}

export interface MachineHost {
  readonly sim: Simulation;
  readonly chance: Chance;
  /** Calls a function of ours; throws where its worker is lost. */
  callFunction(executionId: string, placeholder: string, payload: Json): Promise<Json>;
  /** Until the task has stopped. */
  runTask(executionId: string, taskDefinition: string, environment: JsonObject, scope: Scope): Promise<void>;
  hides(executionArn: string): boolean;
  entered(executionId: string, state: string): void;
  ended(executionArn: string, execution: MachineExecution): void;
}

interface Deployed {
  readonly config: WorkflowConfig;
  readonly document: JsonObject;
}

interface Running extends MachineExecution {
  readonly scope: Scope;
}

/** Step Functions: runs compiled documents with their retries, time limits, task tokens and aborts. */
export class StepFunctions implements StateMachines, Workflows, WaitingStates {
  readonly #host: MachineHost;
  readonly #deployed = new Map<string, Deployed>();
  readonly #executions = new Map<string, Running>();
  readonly #tokens = new Map<string, (output: Json) => void>();
  #token = 0;
  #lastEntered = 0;

  constructor(host: MachineHost) {
    this.#host = host;
  }

  deploy(config: WorkflowConfig, document: JsonObject): void {
    this.#deployed.set(config.name, { config, document });
  }

  get open(): readonly string[] {
    return [...this.#executions].filter(([, { status }]) => status === 'RUNNING').map(([arn]) => arn);
  }

  get arns(): readonly string[] {
    return [...this.#executions.keys()];
  }

  async names(): Promise<readonly string[]> {
    return [...this.#deployed.keys()].sort();
  }

  async config(workflow: string): Promise<WorkflowConfig | undefined> {
    return this.#deployed.get(workflow)?.config;
  }

  executionArn(executionId: string): string {
    const { workflow, name } = parseExecutionId(executionId);
    return `arn:aws:states:us-east-1:123456789012:execution:${stateMachineName('dev', workflow)}:${name}`;
  }

  async start(executionId: string, input: Json): Promise<'started' | 'exists'> {
    const arn = this.executionArn(executionId);
    if (this.#executions.has(arn)) return 'exists';
    const deployed = this.#deployed.get(parseExecutionId(executionId).workflow);
    if (deployed === undefined) throw new WfloError('unknown_workflow', `${executionId} has no machine`);
    const scope: Scope = { alive: true, inside: [], leave: new Set() };
    const startedAt = this.#host.sim.now().toISOString();
    this.#executions.set(arn, { status: 'RUNNING', startedAt, input: JSON.stringify(input), scope });
    this.#host.sim.spawn(() => this.#run(arn, executionId, deployed.document, input, scope));
    const { TimeoutSeconds } = deployed.document;
    this.#host.sim.at(this.#host.sim.ms + Number(TimeoutSeconds) * 1000, () => this.#end(arn, { status: 'TIMED_OUT' }));
    return 'started';
  }

  async describe(arn: string): Promise<MachineExecution | undefined> {
    const execution = this.#executions.get(arn);
    if (execution === undefined) return undefined;
    // What has just been started is not always found at once.
    const age = this.#host.sim.ms - Date.parse(execution.startedAt);
    if (age < 5000 && this.#host.hides(arn)) return undefined;
    const { scope: _, ...described } = execution;
    return described;
  }

  async stop(arn: string, error: string, cause: string): Promise<void> {
    this.#end(arn, { status: 'ABORTED', error, cause });
  }

  async resume(token: string, output: Json): Promise<'resumed' | 'gone'> {
    const waiting = this.#tokens.get(token);
    if (waiting === undefined) return 'gone';
    this.#tokens.delete(token);
    waiting(output);
    return 'resumed';
  }

  /** All that is open has failed, and nobody is told. Answers whose machines these were. */
  restart(): readonly string[] {
    const open = this.open;
    for (const arn of open) {
      const execution = this.#executions.get(arn);
      if (execution === undefined) continue;
      this.#executions.set(arn, { ...execution, status: 'FAILED', error: 'States.ServiceRestart', cause: '' });
      close(execution.scope);
    }
    return open;
  }

  async #run(arn: string, executionId: string, document: JsonObject, input: Json, scope: Scope): Promise<void> {
    try {
      await this.#block(arn, executionId, document, input, scope);
      this.#end(arn, { status: 'SUCCEEDED' });
    } catch (error) {
      if (!(error instanceof StateFailed)) throw error;
      this.#end(arn, { status: 'FAILED', error: error.error, cause: error.message });
    }
  }

  #end(arn: string, end: Pick<MachineExecution, 'status' | 'error' | 'cause'>): void {
    const execution = this.#executions.get(arn);
    if (execution?.status !== 'RUNNING') return;
    const ended = { ...execution, ...end };
    this.#executions.set(arn, ended);
    close(execution.scope);
    this.#host.ended(arn, ended);
  }

  async #block(arn: string, executionId: string, document: JsonObject, input: Json, scope: Scope): Promise<Json> {
    const states = objectOf(document.States);
    let name = String(document.StartAt);
    let data = input;
    for (;;) {
      const state = objectOf(states[name]);
      this.#host.entered(executionId, name);
      await this.#host.sim.sleep(this.#host.chance.between(5, 30));
      if (!scope.alive) return never();
      const left = await this.#state(arn, executionId, state, data, scope);
      if (!scope.alive) return never();
      if (left.next === undefined) return left.data;
      name = left.next;
      data = left.data;
    }
  }

  async #state(
    arn: string,
    executionId: string,
    state: JsonObject,
    data: Json,
    scope: Scope,
  ): Promise<{ readonly data: Json; readonly next?: string }> {
    const next = typeof state.Next === 'string' ? { next: state.Next } : {};
    switch (state.Type) {
      case 'Pass':
        return { data: pass(state, data), ...next };
      case 'Choice': {
        const chosen = listOf(state.Choices).find((rule) => choiceHolds(rule, data));
        return { data, next: String(chosen?.Next ?? state.Default) };
      }
      case 'Wait': {
        const seconds =
          typeof state.Seconds === 'number' ? state.Seconds : Number(readJsonPath(String(state.SecondsPath), data));
        await this.#host.sim.sleep(seconds * 1000);
        return { data, ...next };
      }
      case 'Succeed':
        return { data: typeof state.OutputPath === 'string' ? readJsonPath(state.OutputPath, data) : data };
      case 'Fail':
        throw new StateFailed(
          String(readJsonPath(String(state.ErrorPath), data)),
          String(readJsonPath(String(state.CausePath), data)),
        );
      case 'Parallel':
        return { data: resultOf(state, data, await this.#parallel(arn, executionId, state, data, scope)), ...next };
      default:
        return this.#task(arn, executionId, state, data, scope, next);
    }
  }

  /** The first branch that fails ends the others. */
  async #parallel(arn: string, executionId: string, state: JsonObject, data: Json, scope: Scope): Promise<Json> {
    const inside: Scope = { alive: true, inside: [], leave: new Set() };
    scope.inside.push(inside);
    try {
      return await Promise.all(
        listOf(state.Branches).map((branch) => this.#block(arn, executionId, branch, data, inside)),
      );
    } catch (error) {
      close(inside);
      throw error;
    }
  }

  async #task(
    arn: string,
    executionId: string,
    state: JsonObject,
    data: Json,
    scope: Scope,
    next: { readonly next?: string },
  ): Promise<{ readonly data: Json; readonly next?: string }> {
    const { sim, chance } = this.#host;
    // A state is entered once, however often its task is tried.
    this.#lastEntered = Math.max(sim.ms, this.#lastEntered + 1);
    const enteredAt = new Date(this.#lastEntered).toISOString();
    for (let tries = 0; ; tries += 1) {
      try {
        const result = await this.#try(arn, executionId, state, data, scope, enteredAt);
        return { data: resultOf(state, data, result), ...next };
      } catch (error) {
        if (!(error instanceof StateFailed)) throw error;
        const retrier = listOf(state.Retry).find((one) => matches(one, error));
        if (retrier !== undefined && tries < Number(retrier.MaxAttempts)) {
          const delay = Number(retrier.IntervalSeconds) * Number(retrier.BackoffRate) ** tries;
          await sim.sleep(chance.next() * Math.min(delay, Number(retrier.MaxDelaySeconds)) * 1000);
          if (!scope.alive) return never();
          continue;
        }
        const caught = listOf(state.Catch).find((one) => matches(one, error));
        if (caught === undefined) throw error;
        const told = { Error: error.error, Cause: error.message };
        return { data: writeJsonPath(String(caught.ResultPath), data, told), next: String(caught.Next) };
      }
    }
  }

  #try(
    arn: string,
    executionId: string,
    state: JsonObject,
    data: Json,
    scope: Scope,
    enteredAt: string,
  ): Promise<Json> {
    const { sim } = this.#host;
    const attempt: Scope = { alive: true, inside: [], leave: new Set() };
    scope.inside.push(attempt);
    this.#token += 1;
    const token = `token-${this.#token}`;
    attempt.leave.add(() => this.#tokens.delete(token));
    const context: Json = {
      Execution: { Id: arn, StartTime: this.#executions.get(arn)?.startedAt ?? '' },
      State: { EnteredTime: enteredAt },
      Task: { Token: token },
    };
    return new Promise<Json>((resolve, reject) => {
      const settle = (act: () => void) => {
        if (!attempt.alive) return;
        close(attempt);
        act();
      };
      if (typeof state.TimeoutSeconds === 'number') {
        sim.at(sim.ms + state.TimeoutSeconds * 1000, () => settle(() => reject(new StateFailed('States.Timeout', ''))));
      }
      const fails = (error: unknown) => settle(() => reject(error));
      const parameters = objectOf(state.Parameters);
      if (state.Resource === 'arn:aws:states:::ecs:runTask.sync') {
        const overrides = objectOf(fillTemplate(objectOf(parameters.Overrides), data, context));
        const [container] = listOf(overrides.ContainerOverrides);
        const environment = Object.fromEntries(
          listOf(container?.Environment).map(({ Name, Value }) => [String(Name), String(Value)]),
        );
        this.#host
          .runTask(executionId, String(parameters.TaskDefinition), environment, attempt)
          .then(() => settle(() => resolve({})), fails);
        return;
      }
      const { FunctionName, Payload = {} } = objectOf(fillTemplate(parameters, data, context));
      const waits = state.Resource === 'arn:aws:states:::lambda:invoke.waitForTaskToken';
      if (waits) this.#tokens.set(token, (output) => settle(() => resolve(output)));
      this.#host.callFunction(executionId, String(FunctionName), Payload).then(
        (answer) => {
          if (!waits) settle(() => resolve({ Payload: answer }));
        },
        (error: unknown) => {
          const { name, message } = error as Error;
          fails(new StateFailed(name, message));
        },
      );
    });
  }
}

/** Nothing in it goes on. */
function close(scope: Scope): void {
  if (!scope.alive) return;
  scope.alive = false;
  for (const inner of scope.inside) close(inner);
  for (const leave of scope.leave) leave();
}

function matches(rule: JsonObject, { error }: StateFailed): boolean {
  const names = (rule.ErrorEquals ?? []) as readonly string[];
  return (
    names.includes('States.ALL') ||
    names.includes(error) ||
    (names.includes('States.TaskFailed') && error !== 'States.Timeout')
  );
}

function pass(state: JsonObject, data: Json): Json {
  if (state.Result !== undefined) return state.Result;
  if (state.Parameters !== undefined) return fillTemplate(state.Parameters, data, {});
  return typeof state.InputPath === 'string' ? readJsonPath(state.InputPath, data) : data;
}

function resultOf(state: JsonObject, data: Json, result: Json): Json {
  if (state.ResultPath === null) return data;
  const selected = state.ResultSelector === undefined ? result : fillTemplate(state.ResultSelector, result, {});
  return typeof state.ResultPath === 'string' ? writeJsonPath(state.ResultPath, data, selected) : selected;
}

function objectOf(value: Json | undefined): JsonObject {
  if (isJsonObject(value)) return value;
  throw new Error(`${JSON.stringify(value)} stands where a compiled document has an object`);
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}
