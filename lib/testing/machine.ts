import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { choiceHolds } from './choice-holds.ts';
import { fillTemplate, readJsonPath, writeJsonPath } from './json-path.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A state failed, with the name and the cause that Step Functions would give. */
export class StateError extends Error {
  readonly error: string;

  constructor(error: string, cause: string) {
    super(cause);
    this.name = 'StateError';
    this.error = error;
  }
}

/** What the machine needs from outside. */
export interface MachineHost {
  readonly time: VirtualTime;
  readonly executionArn: string;
  /** A Lambda state. `token` where the state waits for one. */
  callFunction(placeholder: string, payload: Json): Promise<Json>;
  /** `ecs:runTask.sync` with the environment of its container. */
  runTask(taskDefinition: string, environment: ReadonlyMap<string, string>): Promise<void>;
  entered(state: string): void;
  waits(state: string, seconds: number): void;
}

/** Step Functions allows waits up to this [AWS: Wait state]. */
const WAIT_LIMIT_SECONDS = 99_999_999;

/**
 * Runs a compiled document as Step Functions would, as far as the compiler uses it. Retries of a Lambda state are left
 * out: what a handler of Wflo decides is data, and in a test no worker is lost.
 */
export class Machine {
  readonly #host: MachineHost;
  readonly #startedAt: string;
  #tokens = 0;
  #lastEntered = 0;

  constructor(host: MachineHost) {
    this.#host = host;
    this.#startedAt = host.time.now().toISOString();
  }

  /** Throws a `StateError` where the execution fails. */
  async run(document: JsonObject, input: Json): Promise<Json> {
    const states = objectOf(document.States);
    let name = String(document.StartAt);
    let data = input;
    for (;;) {
      const state = objectOf(states[name]);
      this.#host.entered(name);
      const left = await this.#runState(name, state, data);
      if (left.next === undefined) return left.data;
      name = left.next;
      data = left.data;
    }
  }

  async #runState(
    name: string,
    state: JsonObject,
    data: Json,
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
        const seconds = secondsOf(state, data);
        this.#host.waits(name, seconds);
        await this.#host.time.sleep(seconds);
        return { data, ...next };
      }
      case 'Parallel': {
        const branches = listOf(state.Branches).map((branch) => () => this.run(branch, data));
        return { data: resultOf(state, data, [...(await this.#host.time.together(branches))]), ...next };
      }
      case 'Succeed':
        return { data: typeof state.OutputPath === 'string' ? readJsonPath(state.OutputPath, data) : data };
      case 'Fail':
        throw new StateError(
          String(readJsonPath(String(state.ErrorPath), data)),
          String(readJsonPath(String(state.CausePath), data)),
        );
      case 'Task':
        return this.#runTask(state, data, next);
      default:
        throw new Error(`${name} is a state of a kind that the compiler does not write: ${String(state.Type)}`);
    }
  }

  async #runTask(state: JsonObject, data: Json, next: { readonly next?: string }) {
    try {
      return { data: resultOf(state, data, await this.#call(state, data)), ...next };
    } catch (error) {
      const [caught] = listOf(state.Catch ?? []);
      if (!(error instanceof StateError) || caught === undefined) throw error;
      const told = { Error: error.error, Cause: error.message };
      return { data: writeJsonPath(String(caught.ResultPath), data, told), next: String(caught.Next) };
    }
  }

  async #call(state: JsonObject, data: Json): Promise<Json> {
    const context = this.#context();
    const parameters = objectOf(state.Parameters);
    if (state.Resource === 'arn:aws:states:::ecs:runTask.sync') {
      const overrides = objectOf(fillTemplate(objectOf(parameters.Overrides), data, context));
      const [container] = listOf(overrides.ContainerOverrides);
      const variables = listOf(container?.Environment).map(({ Name, Value }) => [String(Name), String(Value)] as const);
      await this.#host.runTask(String(parameters.TaskDefinition), new Map(variables));
      return {};
    }
    const { FunctionName, Payload = {} } = objectOf(fillTemplate(parameters, data, context));
    const answer = await this.#host.callFunction(String(FunctionName), Payload);
    // A state that waits for its token gets what is sent with it, without an envelope.
    return state.Resource === 'arn:aws:states:::lambda:invoke.waitForTaskToken' ? answer : { Payload: answer };
  }

  /** `$$`. No two states of an execution are entered in the same millisecond, which tells two attempts apart. */
  #context(): Json {
    this.#tokens += 1;
    this.#lastEntered = Math.max(this.#host.time.now().getTime(), this.#lastEntered + 1);
    return {
      Execution: { Id: this.#host.executionArn, StartTime: this.#startedAt },
      State: { EnteredTime: new Date(this.#lastEntered).toISOString() },
      Task: { Token: `token-${this.#tokens}` },
    };
  }
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

function secondsOf(state: JsonObject, data: Json): number {
  if (typeof state.Seconds === 'number') return state.Seconds;
  const path = String(state.SecondsPath);
  const seconds = readJsonPath(path, data);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 && seconds <= WAIT_LIMIT_SECONDS) {
    return seconds;
  }
  throw new StateError(
    'States.Runtime',
    `The SecondsPath parameter ${path} does not name a whole number of seconds from 0 to ${WAIT_LIMIT_SECONDS}`,
  );
}

function objectOf(value: Json | undefined): JsonObject {
  if (isJsonObject(value)) return value;
  throw new Error(`${JSON.stringify(value)} stands where a compiled document has an object`);
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}
