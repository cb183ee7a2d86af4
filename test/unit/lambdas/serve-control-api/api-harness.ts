import { type ControlApiBindings, createControlApi } from '../../../../lambdas/serve-control-api/app.ts';
import type { ErrorData } from '../../../../lib/errors.ts';
import type { WorkflowConfig } from '../../../../lib/execution/machine.ts';
import { FakeAuditStore } from '../../../_helpers/fakes/fake-audit-store.ts';
import { FakeBlobStore } from '../../../_helpers/fakes/fake-blob-store.ts';
import { FakeClock } from '../../../_helpers/fakes/fake-clock.ts';
import { FakeExecutionStore } from '../../../_helpers/fakes/fake-execution-store.ts';
import { FakeIds } from '../../../_helpers/fakes/fake-ids.ts';
import { aPerson, type FakePeopleStore, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { FakeStateMachines } from '../../../_helpers/fakes/fake-state-machines.ts';
import { FakeStepLogs } from '../../../_helpers/fakes/fake-step-logs.ts';
import { MemoryLedger } from '../../../_helpers/fakes/memory-ledger.ts';

export const ADA = 'arn:aws:iam::123456789012:user/ada';

/** What API Gateway says of whoever signed with these credentials. */
export function signedBy(userArn: string): ControlApiBindings {
  return { requestContext: { requestId: 'req-1', identity: { userArn } } };
}

export const REPORT: WorkflowConfig = {
  name: 'report',
  inputSchema: {
    type: 'object',
    properties: { table: { type: 'string' }, days: { type: 'integer' } },
    required: ['table', 'days'],
    additionalProperties: false,
  },
  timeoutSeconds: 3600,
  steps: [
    { path: 'plan', kind: 'sandbox' },
    { path: 'write', kind: 'lambda' },
  ],
  stepKeys: ['plan', 'write'],
  inputRefs: [],
  gates: [],
};

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** The control API on fakes, with the workflows `report` and `reindex` deployed, and Ada as administrator. */
export function controlApi(
  options: { readonly people?: FakePeopleStore; readonly reconcileNow?: () => Promise<void> } = {},
) {
  const clock = new FakeClock('2026-11-24T12:00:00.000Z');
  const ids = new FakeIds();
  const executions = new FakeExecutionStore({ clock, ids });
  const machines = new FakeStateMachines({ clock }).deploy(REPORT).deploy({ ...REPORT, name: 'reindex' });
  const blobs = new FakeBlobStore();
  const audit = new FakeAuditStore();
  const logs = new FakeStepLogs();
  const ledger = new MemoryLedger({ clock });
  const people =
    options.people ??
    fakePeopleStore({ clock, ids }).seed({
      people: [aPerson({ personId: 'ada', name: 'Ada', roles: ['administrator'], identities: [ADA] })],
    });
  const unexpected: unknown[] = [];
  let reconciled = 0;
  const reconcileNow = async (): Promise<void> => {
    reconciled += 1;
    await options.reconcileNow?.();
  };
  const notReconciled: unknown[] = [];
  const signals = { reconcileNotCalled: (error: unknown) => void notReconciled.push(error) };
  const app = createControlApi(
    {
      ...{ executions, workflows: machines, machines, blobs, audit, logs, people, reconcileNow, signals, clock, ids },
      ...{ ledger, budgets: ledger, announcements: ledger },
    },
    { onUnexpected: (error) => unexpected.push(error) },
  );

  async function call<T = { error: ErrorData }>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    bindings: ControlApiBindings = signedBy(ADA),
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await app.request(
      path,
      { method, headers, ...(body === undefined ? {} : { body: text }) },
      bindings,
    );
    return { status: response.status, body: (await response.json()) as T };
  }

  return {
    ...{ app, clock, ids, executions, machines, blobs, audit, logs, ledger, people, unexpected, notReconciled, call },
    /** How often `reconcile` was told to run. */
    reconciled: () => reconciled,
  };
}
