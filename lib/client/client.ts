import { randomBytes } from 'node:crypto';
import type { ChainRecord } from '../audit/events.ts';
import type { ExecutionStatus } from '../execution/status.ts';
import type { Json } from '../json.ts';
import type {
  CancelRequest,
  EventsAnswer,
  ExecutionSummary,
  ExecutionView,
  ListAnswer,
  LogsAnswer,
  StartRequest,
  WorkflowsAnswer,
} from './api.ts';
import { type ApprovalCalls, approvalCalls } from './approval-calls.ts';
import { type CallOptions, type ClientOptions, createCaller } from './caller.ts';
import { type CostCalls, costCalls } from './cost-calls.ts';
import { type FreezeCalls, freezeCalls } from './freeze-calls.ts';
import { type PeopleCalls, peopleCalls } from './people-calls.ts';
import { type WaitOptions, waitUntilFinal } from './wait-until-final.ts';

export type { CallOptions, ClientOptions } from './caller.ts';

export interface StartResult {
  /** False when the same start had been made before. */
  readonly created: boolean;
  readonly execution: ExecutionView;
}

export interface ListQuery {
  readonly workflow?: string;
  readonly status?: ExecutionStatus;
  /** Executions per page: 1 to 100. */
  readonly pageSize?: number;
}

export interface LogsQuery {
  readonly step?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

/** A whole chain as far as it is recorded, and what it must come to. */
export interface EventChain {
  readonly records: readonly ChainRecord[];
  readonly eventCount: number;
  readonly status: ExecutionStatus;
}

/**
 * The control API as functions. Every method throws a `WfloError` with the code that the API answered, `forbidden`
 * for credentials that it refuses, or `unreachable`. Calls that were throttled, failed on the other side or got no
 * answer are made again where they are idempotent: all but those that make a person or a tenant, a start because it
 * always has a name.
 */
export interface ControlApiClient extends ApprovalCalls, PeopleCalls, FreezeCalls, CostCalls {
  start(request: StartRequest, options?: CallOptions): Promise<StartResult>;
  workflows(options?: CallOptions): Promise<WorkflowsAnswer['workflows']>;
  /** Pages of executions, newest first, each fetched when it is asked for. */
  list(query?: ListQuery, options?: CallOptions): AsyncIterable<readonly ExecutionSummary[]>;
  describe(executionId: string, options?: CallOptions): Promise<ExecutionView>;
  logs(executionId: string, query?: LogsQuery, options?: CallOptions): Promise<LogsAnswer>;
  events(executionId: string, options?: CallOptions): Promise<EventChain>;
  cancel(executionId: string, request?: CancelRequest, options?: CallOptions): Promise<ExecutionView>;
  waitUntilFinal(executionId: string, options?: WaitOptions): Promise<ExecutionView>;
}

export function createClient(options: ClientOptions): ControlApiClient {
  const caller = createCaller(options);
  const { call, ask } = caller;
  const execution = (executionId: string, ...rest: string[]) => ['v1', 'executions', executionId, ...rest];

  return {
    ...approvalCalls(caller),
    ...peopleCalls(caller),
    ...freezeCalls(caller),
    ...costCalls(caller),

    async start(request, { signal } = {}) {
      const body = { ...request, name: request.name ?? nameFromTime(new Date()) };
      const response = await call({ method: 'POST', path: ['v1', 'executions'], body }, signal);
      return { created: response.status === 201, execution: JSON.parse(response.text) as ExecutionView };
    },

    async workflows({ signal } = {}) {
      const answer = await ask<WorkflowsAnswer>({ method: 'GET', path: ['v1', 'workflows'] }, signal);
      return answer.workflows;
    },

    async *list(query = {}, { signal } = {}) {
      let cursor: string | undefined;
      do {
        const page: ListAnswer = await ask(
          {
            method: 'GET',
            path: ['v1', 'executions'],
            query: {
              workflow: query.workflow,
              status: query.status,
              limit: query.pageSize === undefined ? undefined : String(query.pageSize),
              cursor,
            },
          },
          signal,
        );
        yield page.executions;
        cursor = page.cursor;
      } while (cursor !== undefined);
    },

    describe: (executionId, { signal } = {}) => ask({ method: 'GET', path: execution(executionId) }, signal),

    logs: (executionId, query = {}, { signal } = {}) =>
      ask(
        {
          method: 'GET',
          path: execution(executionId, 'logs'),
          query: {
            step: query.step,
            cursor: query.cursor,
            limit: query.limit === undefined ? undefined : String(query.limit),
          },
        },
        signal,
      ),

    async events(executionId, { signal } = {}) {
      const records: ChainRecord[] = [];
      let after: string | undefined;
      for (;;) {
        const page: EventsAnswer = await ask(
          { method: 'GET', path: execution(executionId, 'events'), query: { after } },
          signal,
        );
        records.push(...page.records);
        if (page.cursor === undefined) return { records, eventCount: page.eventCount, status: page.status };
        after = page.cursor;
      }
    },

    cancel: (executionId, request = {}, { signal } = {}) =>
      ask({ method: 'POST', path: execution(executionId, 'cancel'), body: request as Json }, signal),

    waitUntilFinal(executionId, waitOptions) {
      return waitUntilFinal((signal) => ask({ method: 'GET', path: execution(executionId) }, signal), waitOptions);
    },
  };
}

/** `20261124-145753-` and eight hex digits: sorted by time, and one name for all tries of one start. */
function nameFromTime(now: Date): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${randomBytes(4).toString('hex')}`;
}
