import { createSandboxApi } from '../../lambdas/serve-sandbox-api/app.ts';
import type { SandboxApiPorts } from '../../lambdas/serve-sandbox-api/ports.ts';
import { payloadHash, type SandboxPayload } from '../../lib/execution/payload.ts';
import type { AttemptRecord, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { type Json, sha256 } from '../../lib/json.ts';
import type { BlobStore, Clock } from '../../lib/ports.ts';
import type { ClaimAnswer, ClaimRequest, CompleteRequest } from '../../lib/sandbox/protocol.ts';
import { FakeBlobStore } from './fakes/fake-blob-store.ts';
import { FakeClock } from './fakes/fake-clock.ts';
import { FakeExecutionStore } from './fakes/fake-execution-store.ts';
import { FakeIds } from './fakes/fake-ids.ts';
import { fakePeopleStore } from './fakes/fake-people-store.ts';
import { FakeSandboxTasks } from './fakes/fake-sandbox-tasks.ts';
import { FakeStepLogs } from './fakes/fake-step-logs.ts';
import { aLease, anAttempt, anExecution } from './fakes/records.ts';
import { RUNNER_KEY } from './signed-outcome.ts';

export const EXECUTION_ID = 'report:one';
export const STEP = 'write';
export const LEASE_ID = '01LEASE0000000000000000001';
export const CODE = 'bootstrap-code-of-32-random-bytes';
export const TASK = 'arn:aws:ecs:us-east-1:123456789012:task/wflo-dev/0123456789abcdef';
export const TASK_DEFINITION = 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:1';

export interface Scene {
  readonly api: ReturnType<typeof createSandboxApi>;
  readonly store: FakeExecutionStore;
  readonly blobs: FakeBlobStore;
  readonly tasks: FakeSandboxTasks;
  readonly logs: FakeStepLogs;
  readonly clock: FakeClock;
  readonly counted: string[];
  readonly failures: unknown[];
  /** Ports of the API. */
  readonly ports: SandboxApiPorts;
  readonly noticed: { readonly what: string; readonly details: object }[];
  lease(): Promise<LeaseRecord>;
  attempt(): Promise<AttemptRecord>;
  execution(): Promise<ExecutionRecord>;
  eventTypes(): string[];
  call(verb: string, body: unknown, token?: string, sourceIp?: string): Promise<{ status: number; body: Json }>;
}

/** One running execution whose step `write` is prepared, offered, and has its task running. */
export async function sandboxScene(
  payload: Partial<SandboxPayload> = {},
  replaced: { readonly clock?: Clock; readonly blobs?: BlobStore; readonly modelsUrl?: string } = {},
): Promise<Scene> {
  const clock = new FakeClock();
  const ids = new FakeIds();
  const store = new FakeExecutionStore({ clock, ids });
  const blobs = new FakeBlobStore();
  const tasks = new FakeSandboxTasks();
  const logs = new FakeStepLogs();
  const counted: string[] = [];
  const failures: unknown[] = [];
  const noticed: { what: string; details: object }[] = [];
  const frozen: SandboxPayload = {
    schema: 1,
    kind: 'sandbox',
    executionId: EXECUTION_ID,
    workflow: 'report',
    definitionHash: 'a'.repeat(64),
    path: STEP,
    timeoutSeconds: 60,
    image: 'python',
    taskDefinition: TASK_DEFINITION,
    codeSha256: '',
    command: ['true'],
    env: {},
    input: null,
    ...payload,
  };
  const hash = payloadHash(frozen);
  const stored = replaced.blobs ?? blobs;
  const handle = await stored.put(EXECUTION_ID, `payload/${STEP}/${hash}`, frozen as unknown as Json);
  store.seed({
    executions: [anExecution()],
    attempts: [anAttempt({ payload: handle, payloadHash: hash })],
    leases: [aLease({ leaseId: LEASE_ID, codeHash: sha256(CODE), taskDefinition: TASK_DEFINITION })],
  });
  tasks.add({
    taskArn: TASK,
    taskDefinitionArn: TASK_DEFINITION,
    environment: { WFLO_LEASE: LEASE_ID },
  });
  const ports: SandboxApiPorts = {
    store,
    blobs: stored,
    people: fakePeopleStore({ clock }),
    tasks,
    logs,
    clock: replaced.clock ?? clock,
    ids,
    cluster: 'wflo-dev',
    ...(replaced.modelsUrl === undefined ? {} : { modelsUrl: replaced.modelsUrl }),
    signals: {
      count: (metric) => counted.push(metric),
      noticed: (what, details) => noticed.push({ what, details }),
      failed: (_verb, error) => failures.push(error),
    },
  };
  const api = createSandboxApi(ports);
  return {
    api,
    store,
    blobs,
    tasks,
    logs,
    clock,
    counted,
    failures,
    ports,
    noticed,
    lease: async () => present(await store.getLease(EXECUTION_ID, STEP, 1)),
    attempt: async () => present(await store.getAttempt(EXECUTION_ID, STEP, 1)),
    execution: async () => present(await store.getExecution(EXECUTION_ID)),
    eventTypes: () => store.events(EXECUTION_ID).map((event) => event.eventType),
    call: async (verb, body, token, sourceIp) => {
      const request = {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      };
      const bindings = sourceIp === undefined ? {} : { event: { requestContext: { identity: { sourceIp } } } };
      const response = await api.request(`/v1/${verb}`, request, bindings);
      return { status: response.status, body: (await response.json()) as Json };
    },
  };
}

export function claimBody(fields: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    protocol: 1,
    executionId: EXECUTION_ID,
    path: STEP,
    attempt: 1,
    leaseId: LEASE_ID,
    code: CODE,
    nonce: 'nonce-of-the-first-runner-process',
    taskArn: TASK,
    outcomeKey: RUNNER_KEY.publicKey,
    ...fields,
  };
}

export function completeBody(fields: Partial<CompleteRequest> = {}): CompleteRequest {
  return {
    epoch: 1,
    exit: { reason: 'ok', code: 0 },
    output: null,
    usage: { wallMs: 5, stdoutBytes: 0, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false },
    logs: [],
    ...fields,
  };
}

/** Claims, expecting success. */
export async function claimed(scene: Scene, fields: Partial<ClaimRequest> = {}): Promise<ClaimAnswer> {
  const { status, body } = await scene.call('claim', claimBody(fields));
  if (status !== 200) throw new Error(`the claim was refused: ${JSON.stringify(body)}`);
  return body as unknown as ClaimAnswer;
}

/** Code of a refusal. */
export function codeOf(answer: { readonly body: Json }): string | undefined {
  return (answer.body as { error?: { code?: string } }).error?.code;
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the record does not exist');
  return value;
}
