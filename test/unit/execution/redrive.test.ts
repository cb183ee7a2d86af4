import { beforeEach, describe, expect, it } from 'vitest';
import { expireApproval } from '../../../lib/approvals/expire.ts';
import { GRAPH } from '../../../lib/execution/actors.ts';
import type { PrepareAnswer } from '../../../lib/execution/machine.ts';
import type { ExecutionStatus } from '../../../lib/execution/status.ts';
import { EXECUTION_ARN, EXECUTION_ID, PLAN, STARTED_AT } from '../../_helpers/execution-scene.ts';
import { GATED, GateScene } from '../../_helpers/gate-scene.ts';

/** A machine that ended is redriven from where it failed: the states are entered once more, the record is final. */
const ENDS: readonly ExecutionStatus[] = ['cancelled', 'timed_out', 'failed'];
const MACHINE_END = { cancelled: 'ABORTED', timed_out: 'TIMED_OUT', failed: 'FAILED' } as const;

let scene: GateScene;
let plan: PrepareAnswer;
let gated: PrepareAnswer;

async function closedAs(status: keyof typeof MACHINE_END): Promise<void> {
  scene = new GateScene();
  await scene.open();
  plan = await scene.prepare(PLAN);
  gated = await scene.prepare(GATED);
  scene.machines.set(EXECUTION_ARN, { status: MACHINE_END[status] });
  await scene.end();
  expect(await scene.execution()).toMatchObject({ status });
}

/** All that is recorded. */
async function records() {
  return {
    execution: await scene.execution(),
    attempts: await scene.executions.listAttempts(EXECUTION_ID),
    leases: await scene.executions.listLeases(EXECUTION_ID),
    approvals: await scene.executions.listApprovals(EXECUTION_ID),
    events: scene.executions.events(EXECUTION_ID),
    acted: scene.invoker.invocations,
  };
}

const HANDLERS: readonly [string, () => Promise<unknown>, unknown][] = [
  ['open', () => scene.open(), { ok: false, error: { code: 'execution_closed' } }],
  ['prepare', () => scene.prepare(PLAN, '2026-01-02T00:00:00.000Z'), { route: 'deny' }],
  ['invoke', () => scene.invoke(gated, GATED), { invoked: false, code: 'execution_closed' }],
  [
    'finish of a new entry',
    () => scene.finish({ ...plan, attempt: 2 }),
    { next: 'failed', error: { code: 'execution_closed' } },
  ],
  ['finish of the same entry', () => scene.finish(plan), { next: 'failed', error: { code: 'execution_closed' } }],
  ['close', () => scene.close({ literal: null }), { ok: false, error: { code: 'execution_closed' } }],
  ['expire', () => expireApproval(scene, gated.approvalId, GRAPH, 'cancel'), { status: 'cancelled' }],
];

describe.each(ENDS.map((status) => [status as keyof typeof MACHINE_END]))('a redrive of what ended as %s', (status) => {
  beforeEach(() => closedAs(status));

  it.each(HANDLERS)('is refused by %s, which changes nothing', async (_name, call, answer) => {
    const before = await records();
    expect(await call()).toMatchObject(answer as object);
    expect(await records()).toEqual(before);
  });

  it('is not asked about: the state that waits again is told at once that nobody allows it', async () => {
    const before = await records();
    scene.waiting.waiting.add('token-1');
    await scene.ask(gated);
    expect(scene.waiting.resumed.at(-1)?.output).toEqual({ decision: 'refused' });
    const { approvals: _, ...rest } = before;
    const { approvals, ...restAfter } = await records();
    expect(restAfter).toEqual(rest);
    expect(approvals).toMatchObject([{ status: 'cancelled' }]);
  });

  it('ends as the machine fails again: the end handler finds it closed', async () => {
    const before = await records();
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'execution_closed' });
    expect(await scene.end()).toBe('already');
    expect(await records()).toEqual(before);
  });
});

describe('a name that is used again', () => {
  beforeEach(() => closedAs('failed'));

  it.each([
    ['the same input', { table: 'orders' }],
    ['another input', { table: 'customers' }],
  ])(
    'after Step Functions has freed it, with %s, is refused by Open, and its end changes nothing',
    async (_what, input) => {
      const before = await records();
      const startedAt = new Date(Date.parse(STARTED_AT) + 91 * 86_400_000).toISOString();
      expect(await scene.open(input, { startedAt })).toMatchObject({ ok: false, error: { code: 'name_reused' } });
      scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'name_reused' });
      expect(await scene.end()).toBe('already');
      expect(await records()).toEqual(before);
    },
  );
});
