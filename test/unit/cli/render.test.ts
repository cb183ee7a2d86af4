import { describe, expect, it } from 'vitest';
import type { EventType } from '../../../lib/audit/events.ts';
import { eventText } from '../../../lib/cli/event-text.ts';
import { errorLines } from '../../../lib/cli/output.ts';
import { eventLines } from '../../../lib/cli/render-events.ts';
import { changeLines, executionLines, summaryLines } from '../../../lib/cli/render-execution.ts';
import { logLine } from '../../../lib/cli/render-logs.ts';
import { coloured, plain } from '../../../lib/cli/style.ts';
import { durationText } from '../../../lib/cli/times.ts';
import type { ExecutionView, StepView } from '../../../lib/client/api.ts';
import type { JsonObject } from '../../../lib/json.ts';

const now = new Date('2026-01-01T00:02:05.000Z');

function step(path: string, fields: Partial<StepView> = {}): StepView {
  return {
    path,
    kind: 'sandbox',
    status: 'succeeded',
    attempt: 1,
    startedAt: '2026-01-01T00:00:01.000Z',
    endedAt: '2026-01-01T00:00:04.200Z',
    costUsd: null,
    ...fields,
  };
}

const view: ExecutionView = {
  executionId: 'report:one',
  workflow: 'report',
  status: 'running',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: null,
  costUsd: null,
  budgetUsd: null,
  requester: { id: 'arn:aws:iam::123456789012:user/ada', verified: true },
  steps: [
    step('plan'),
    step('write', { status: 'running', attempt: 2, startedAt: '2026-01-01T00:02:00.000Z', endedAt: null }),
    step('send', { status: 'pending', attempt: 0, startedAt: null, endedAt: null }),
  ],
  eventCount: 7,
};

describe('an execution', () => {
  it('shows its steps with symbol, status and time', () => {
    expect(executionLines(view, now, plain)).toEqual([
      'report:one  running  2 min 5 s',
      '  ✓ plan   succeeded  3.2 s',
      '  ● write  running    5.0 s  attempt 2',
      '  ○ send   pending',
    ]);
  });

  it('shows how a step and the execution failed', () => {
    const failed: ExecutionView = {
      ...view,
      status: 'failed',
      endedAt: '2026-01-01T00:01:00.000Z',
      steps: [
        step('plan', {
          status: 'failed',
          exit: { reason: 'agent_failed', code: 3 },
          error: { code: 'agent_failed', message: 'exit 3' },
        }),
      ],
      error: { code: 'agent_failed', message: 'exit 3', stepPath: 'plan' },
    };
    expect(executionLines(failed, now, plain)).toEqual([
      'report:one  failed  1 min 0 s',
      '  ✗ plan  failed  3.2 s  agent_failed: exit 3',
      '  agent_failed in plan: exit 3',
    ]);
  });

  it('calls no step pending once it has ended', () => {
    const ended: ExecutionView = { ...view, status: 'succeeded', endedAt: '2026-01-01T00:01:00.000Z' };
    expect(executionLines(ended, now, plain).at(-1)).toBe('  ○ send   not run');
  });

  it('shows its output, harmless on a terminal', () => {
    const done: ExecutionView = { ...view, status: 'succeeded', steps: [], output: { text: '\u009b2J' } };
    expect(executionLines(done, now, plain).slice(1)).toEqual(['  output  {', '    "text": "\\u009b2J"', '  }']);
    const large: ExecutionView = { ...view, steps: [], outputUrl: 'https://bucket/output' };
    expect(executionLines(large, now, plain)[1]).toBe('  output  https://bucket/output');
  });

  it('is aligned the same with colours', () => {
    const strip = (line: string) => line.replaceAll(new RegExp(`${'\u001b'}\\[\\d+m`, 'g'), '');
    expect(executionLines(view, now, coloured).map(strip)).toEqual(executionLines(view, now, plain));
  });
});

describe('changes', () => {
  it('tell what began and what changed, once', () => {
    expect(changeLines(undefined, view, now, plain)).toEqual([
      '✓ plan  succeeded  3.2 s',
      '● write  running  5.0 s  attempt 2',
      'running  report:one',
    ]);
    expect(changeLines(view, { ...view, eventCount: 8 }, now, plain)).toEqual([]);
    const next: ExecutionView = {
      ...view,
      steps: view.steps.map((one) => (one.path === 'write' ? step('write', { attempt: 2 }) : one)),
    };
    expect(changeLines(view, next, now, plain)).toEqual(['✓ write  succeeded  3.2 s  attempt 2']);
  });

  it('leave the end to the view that follows', () => {
    expect(changeLines(view, { ...view, status: 'succeeded' }, now, plain)).toEqual([]);
  });
});

describe('the list', () => {
  it('is a table', () => {
    const ended = { ...view, executionId: 'a:b', status: 'failed' as const, endedAt: '2026-01-01T03:10:00.000Z' };
    expect(summaryLines([view, ended], now, plain)).toEqual([
      'EXECUTION   STATUS   STARTED               TOOK              COST',
      'report:one  running  2026-01-01 00:00:00Z  2 min 5 s so far',
      'a:b         failed   2026-01-01 00:00:00Z  3 h 10 min',
    ]);
    expect(summaryLines([], now, plain)).toEqual(['no executions']);
  });
});

describe('events', () => {
  const record = {
    seq: 1,
    prevHash: '0'.repeat(64),
    hash: 'a'.repeat(64),
    event: {
      eventId: '01X',
      eventType: 'step.failed' as const,
      timestamp: '2026-01-01T00:00:00.000Z',
      service: 'wflo' as const,
      version: 1,
      executionId: 'report:one',
      workflow: 'report',
      stepPath: 'plan',
      attempt: 2,
      correlationId: 'report:one',
      traceId: 'report:one',
      actor: { type: 'system' as const, id: 'wflo', via: 'reconcile' },
      data: { code: 'timed_out', message: 'after 60 s', waitSeconds: 5 },
    },
  };

  it('are a table in the order of the chain, cut to a terminal', () => {
    expect(eventLines([record], undefined, plain)).toEqual([
      'SEQ  TIME                      EVENT        STEP    ACTOR      DATA',
      '1    2026-01-01T00:00:00.000Z  step.failed  plan#2  reconcile  code=timed_out message="after 60 s" waitSeconds=5',
    ]);
    const byAda = { ...record.event, actor: { type: 'principal' as const, id: view.requester.id, via: 'api' } };
    expect(eventLines([{ ...record, event: byAda }], undefined, plain)[1]).toContain('plan#2  user/ada  code=');
    expect(eventLines([record], 40, plain)[1]).toBe('1    00:00:00.000Z  step.failed  plan#2…');
    expect(eventLines([], undefined, plain)).toEqual(['no events yet']);
  });

  it('are abridged on a terminal, and whole where they are piped', () => {
    const hash = 'abcdef012345'.padEnd(64, '0');
    const task = 'task/wflo-dev/bad478fa-c18d-46e2-811f-33ddf41c4648';
    const arn = `arn:aws:ecs:us-east-1:000000000000:${task}`;
    const actor = { type: 'runner' as const, id: arn, via: 'sandbox-api' };
    const claimed = { ...record, event: { ...record.event, actor, data: { payloadHash: hash, taskArn: arn } } };
    expect(eventLines([claimed], undefined, plain)[1]).toContain(`${task}  payloadHash=${hash} taskArn=${arn}`);
    expect(eventLines([claimed], 200, plain)[1]).toBe(
      '1    00:00:00.000Z  step.failed  plan#2  task/bad478fa…  payloadHash=abcdef012345… taskArn=task/bad478fa…',
    );
  });
});

describe('events of approvals, people and emergency stops', () => {
  const id = 'report:one:send:1';
  const hash = 'ab'.repeat(32);
  const groups = [
    { group: 'data-owners', min: 2 },
    { group: 'ops', min: 1 },
  ];
  const raise = {
    scope: { kind: 'agent', agent: 'planner' },
    ...{ limitNanoUsd: 100_000_000, spentNanoUsd: 90_000_000, heldNanoUsd: 0 },
    ...{ neededNanoUsd: 90_000_000, byNanoUsd: 80_000_000 },
  };
  const requester = { type: 'unverified', id: 'step-functions', via: 'step-functions' };
  const scope = { all: false, workflows: ['report'], tenants: ['acme'] };
  it.each<[EventType, JsonObject, string]>([
    [
      'approval.requested',
      { approvalId: id, payloadHash: hash, groups, requester, expiresAt: '2026-01-01T04:00:00.000Z', note: 'one more' },
      `${id} asks 2 of data-owners, 1 of ops; until 2026-01-01T04:00:00.000Z; for step-functions (nothing proves it); payload ${hash}; one more`,
    ],
    [
      'approval.requested',
      {
        ...{ approvalId: id, payloadHash: hash, groups: [], roles: ['administrator'], requester },
        ...{ expiresAt: '2026-01-01T04:00:00.000Z', raise },
      },
      `${id} asks one administrator; agent planner: $0.08 more than $0.10, for $0.09 that did not fit; $0.09 spent; $0.00 held; until 2026-01-01T04:00:00.000Z; for step-functions (nothing proves it); payload ${hash}`,
    ],
    [
      'budget.raised',
      { byNanoUsd: 80_000_000, limitNanoUsd: 180_000_000, approvalId: id },
      `the execution may spend $0.08 more; $0.18 in all; as ${id} asked`,
    ],
    [
      'approval.voted',
      { approvalId: id, decision: 'approve', comment: 'ok' },
      `${id}: approved, and more have to; "ok"`,
    ],
    [
      'approval.granted',
      { approvalId: id, payloadHash: hash, approvers: ['ada', 'bob'], executeBy: '2026-01-01T05:00:00.000Z' },
      `${id} is granted by ada, bob; to be used before 2026-01-01T05:00:00.000Z; payload ${hash}`,
    ],
    [
      'approval.granted',
      { approvalId: id, payloadHash: hash, approvers: [], executeBy: '2026-01-01T05:00:00.000Z' },
      `${id} is granted because nobody decided in time; to be used before 2026-01-01T05:00:00.000Z; payload ${hash}`,
    ],
    ['approval.rejected', { approvalId: id, reason: 'no\u001b[2J' }, `${id} is rejected; "no\\u001b[2J"`],
    ['approval.expired', { approvalId: id }, `${id}: nobody decided in time, which means no`],
    ['approval.cancelled', { approvalId: id, reason: 'ended' }, `${id} is no longer asked; "ended"`],
    ['approval.claimed', { approvalId: id, payloadHash: hash }, `${id} is used; payload ${hash}`],
    ['approval.refused', { code: 'not_approved', message: 'has none' }, 'refused with not_approved; has none'],
    ['people.bootstrapped', { personId: 'ada', identity: 'arn:x' }, 'ada is the first administrator, as arn:x'],
    ['people.added', { personId: 'ada', name: 'Ada', roles: ['viewer', 'auditor'] }, 'ada "Ada": viewer, auditor'],
    ['people.changed', { personId: 'ada', name: 'Ada', roles: [] }, 'ada "Ada": no roles'],
    ['people.removed', { personId: 'ada' }, 'ada can do nothing any more'],
    ['people.linked', { personId: 'ada', identity: 'arn:x' }, 'arn:x is ada'],
    ['people.unlinked', { personId: 'ada', identity: 'arn:x' }, 'arn:x is no longer ada'],
    ['people.group_changed', { group: 'ops', members: ['ada', 'bob'] }, 'ops: ada, bob'],
    ['people.group_changed', { group: 'ops', members: [] }, 'ops: nobody'],
    ['people.role_attested', { roleArn: 'arn:x' }, 'each session name of arn:x is one person'],
    ['tenant.created', { tenant: 'acme', personId: 'cleo' }, 'acme, with the administrator cleo'],
    ['freeze.set', { scope, reason: 'leak' }, 'workflow report, tenant acme is stopped; "leak"'],
    ['freeze.lifted', { scope: { ...scope, all: true } }, 'everything, workflow report, tenant acme may go on'],
  ])('%s', (eventType, data, sentence) => {
    expect(eventText(eventType, data)).toBe(sentence);
  });

  it('of a shape that is not known here, and other events, are shown field by field', () => {
    expect(eventText('approval.requested', { approvalId: id, groups: 'all' })).toBeUndefined();
    expect(eventText('step.retried', { reason: 'x', waitSeconds: 5 })).toBeUndefined();
  });
});

describe('log lines', () => {
  const line = {
    at: '2026-01-01T14:57:53.120Z',
    stream: 'stdout' as const,
    text: 'hello\u001b[2J',
    executionId: 'report:one',
    stepPath: 'plan',
    attempt: 1,
  };
  it('name step, and attempt and stream where they are not the usual', () => {
    expect(logLine(line, plain)).toBe('14:57:53.120Z plan hello\\u001b[2J');
    expect(logLine({ ...line, attempt: 2, stream: 'stderr' }, plain)).toBe(
      '14:57:53.120Z plan#2 stderr: hello\\u001b[2J',
    );
  });
});

describe('errors', () => {
  it('have a code, a message and a fix', () => {
    expect(errorLines({ code: 'unknown_execution', message: 'no execution x', fix: 'look it up' }, plain)).toEqual([
      'error unknown_execution: no execution x',
      'fix: look it up',
    ]);
  });

  it('list several problems one a line', () => {
    const problems = [
      { pointer: '', reason: 'must have required property "table"' },
      { pointer: '/days', reason: 'must be integer' },
    ];
    const message = 'the input does not fit the workflow report: (the whole value) must …; /days must be integer';
    expect(errorLines({ code: 'invalid_input', message, details: { problems } }, plain)).toEqual([
      'error invalid_input: the input does not fit the workflow report',
      '  (the whole value) must have required property "table"',
      '  /days must be integer',
    ]);
  });
});

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [3_240, '3.2 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 0 s'],
    [3_599_400, '59 min 59 s'],
    [11_400_000, '3 h 10 min'],
    [187_200_000, '2 d 4 h'],
    [-5, '0 ms'],
  ])('%i is %s', (milliseconds, text) => {
    expect(durationText(milliseconds)).toBe(text);
  });
});
