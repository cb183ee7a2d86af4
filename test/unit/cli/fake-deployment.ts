import type { Context } from '../../../lib/cli/command.ts';
import type { Target } from '../../../lib/cli/target.ts';
import type { ApprovalView, ExecutionView, PersonView, StepView } from '../../../lib/client/api.ts';
import { createClient } from '../../../lib/client/client.ts';
import type { ErrorData } from '../../../lib/errors.ts';
import { type ApiServer, apiServer, CREDENTIALS, type Seen } from '../client/api-server.ts';

/** What a route answers: a body with 200, or with 409 where it holds an `error` and nothing else. */
export type Route = (request: Seen) => unknown;

export interface FakeDeployment {
  readonly server: ApiServer;
  readonly connect: Context['connect'];
  /** Targets that were connected to. */
  readonly targets: Target[];
  /** `METHOD /path` without the query, ids as they are; what has no route is `unknown_route`. */
  readonly routes: Record<string, Route>;
  /** The body of the only call with this method and path. */
  bodyOf(line: string): unknown;
}

/** A control API that answers what a test says, reached over HTTP by the real client. */
export async function fakeDeployment(): Promise<FakeDeployment> {
  const routes: Record<string, Route> = {};
  const targets: Target[] = [];
  const server = await apiServer((request) => {
    const route = routes[lineOf(request)];
    const answer =
      route === undefined ? failure('unknown_route', `no route ${lineOf(request)}`) : (route(request) as object);
    const failed = 'error' in answer && Object.keys(answer).length === 1;
    return { status: failed ? 409 : 200, body: JSON.stringify(answer) };
  });
  return {
    server,
    routes,
    targets,
    connect: async (target) => {
      targets.push(target);
      return createClient({
        url: server.url,
        region: 'eu-central-1',
        credentials: CREDENTIALS,
        pause: async () => {},
      });
    },
    bodyOf(line) {
      const calls = server.seen.filter((request) => lineOf(request) === line);
      if (calls.length !== 1) throw new Error(`${calls.length} calls of ${line}`);
      return JSON.parse(calls[0]?.body || 'null');
    },
  };
}

function lineOf({ method, url }: Seen): string {
  return `${method} ${decodeURIComponent(url.split('?')[0] ?? '').replace(/^\/v1/, '')}`;
}

export function failure(code: ErrorData['code'], message: string, details?: unknown): { readonly error: ErrorData } {
  return { error: { code, message, ...(details === undefined ? {} : { details }) } };
}

export const HASH = 'ab'.repeat(32);

export function anApproval(fields: Partial<ApprovalView> = {}): ApprovalView {
  return {
    approvalId: 'report:one:send:1',
    executionId: 'report:one',
    workflow: 'report',
    stepPath: 'send',
    kind: 'lambda',
    status: 'pending',
    risk: null,
    payloadHash: HASH,
    requester: { id: 'ada', verified: true },
    requestedAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T04:00:00.000Z',
    decidedAt: null,
    executeBy: null,
    groups: [
      { group: 'data-owners', min: 2 },
      { group: 'ops', min: 1 },
    ],
    decisions: [],
    claimedAt: null,
    rendering:
      'send: invokes arn:aws:lambda:send:7\nwith:\n  {\n    "ids": [1]\n  }\n! with.ids was written by the agent of plan',
    claims: [{ field: 'with.ids', step: 'plan' }],
    payload: { kind: 'lambda' },
    ...fields,
  };
}

export function vote(personId: string, decision: 'approve' | 'reject' = 'approve', comment?: string) {
  return {
    personId,
    decision,
    at: '2026-01-01T00:30:00.000Z',
    via: 'api',
    ...(comment === undefined ? {} : { comment }),
  };
}

export function aPerson(fields: Partial<PersonView> = {}): PersonView {
  return {
    tenant: 'default',
    personId: 'ada',
    name: 'Ada Lovelace',
    roles: ['operator', 'administrator'],
    groups: ['ops'],
    identities: ['arn:aws:iam::123456789012:user/ada'],
    active: true,
    ...fields,
  };
}

export function aStep(path: string, fields: Partial<StepView> = {}): StepView {
  return {
    path,
    kind: 'lambda',
    status: 'succeeded',
    attempt: 1,
    startedAt: '2026-01-01T00:00:01.000Z',
    endedAt: '2026-01-01T00:00:04.200Z',
    costUsd: null,
    ...fields,
  };
}

export const WAITING = aStep('send', {
  status: 'waiting_approval',
  startedAt: null,
  endedAt: null,
  approvalId: 'report:one:send:1',
});

export function aView(fields: Partial<ExecutionView> = {}): ExecutionView {
  return {
    executionId: 'report:one',
    workflow: 'report',
    status: 'waiting_approval',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    costUsd: null,
    budgetUsd: null,
    requester: { id: 'ada', verified: true },
    steps: [aStep('plan', { kind: 'sandbox' }), WAITING],
    eventCount: 7,
    ...fields,
  };
}
