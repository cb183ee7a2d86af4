import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendToChain } from '../../../lib/audit/chain.ts';
import type { WfloEvent } from '../../../lib/audit/events.ts';
import { type AuditReport, auditReport } from '../../../lib/cli/commands/audit-verify.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { cli, deployment } from './cli-harness.ts';

function events(count: number): WfloEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    eventId: `01${n}`,
    eventType: 'step.started' as const,
    timestamp: '2026-01-01T00:00:00.000Z',
    service: 'wflo' as const,
    version: 1,
    executionId: 'report:one',
    workflow: 'report',
    stepPath: 'write',
    attempt: n + 1,
    correlationId: 'report:one',
    traceId: 'report:one',
    actor: { type: 'system' as const, id: 'wflo', via: 'step-functions' },
    data: {},
  }));
}

const records = appendToChain(undefined, events(3));

describe('the report of a chain', () => {
  it('is verified and complete when everything fits', () => {
    expect(auditReport('report:one', { records, eventCount: 3, status: 'succeeded' })).toEqual({
      executionId: 'report:one',
      status: 'succeeded',
      verified: true,
      complete: true,
      recordCount: 3,
      eventCount: 3,
      headHash: records[2]?.hash,
      problems: [],
    });
  });

  it('finds an edit, a hole and a cut end', () => {
    const [first, second, third] = records;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three records');
    const edited = [first, { ...second, event: { ...second.event, attempt: 9 } }, third];
    const kinds = (some: typeof records, eventCount = 3) =>
      auditReport('report:one', { records: some, eventCount, status: 'failed' }).problems.map((one) => one.kind);
    expect(kinds(edited)).toContain('wrong_hash');
    expect(kinds([first, third])).toContain('hole');
    expect(kinds([first, second])).toEqual(['wrong_count']);
  });

  it('lets an open execution lag, but not have more records than events', () => {
    const open = (eventCount: number) => auditReport('report:one', { records, eventCount, status: 'running' });
    expect(open(5)).toMatchObject({ verified: true, complete: false });
    expect(open(3)).toMatchObject({ verified: true, complete: false });
    expect(open(2)).toMatchObject({ verified: false, problems: [{ kind: 'wrong_count' }] });
  });
});

describe('wflo audit verify and wflo events', () => {
  let on: Awaited<ReturnType<typeof deployment>>;
  beforeEach(async () => {
    on = await deployment();
  });
  afterEach(() => on.server.close());

  const append = (count: number, outboxId: string) =>
    on.api.audit.append({
      schema: 1,
      executionId: 'report:one',
      outboxId,
      events: events(count),
      createdAt: '2026-01-01T00:00:00.000Z',
    });

  it('verifies over the API, exit 0', async () => {
    on.api.executions.seed({ executions: [anExecution({ status: 'succeeded', eventCount: 2 })] });
    await append(2, '01A');
    const text = await cli(['audit', 'verify', 'report:one'], { connect: on.connect });
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^✓ verified {2}report:one {2}2 records, head [0-9a-f]{64}\n$/);
    const shown = await cli(['events', 'report:one', '--json'], { connect: on.connect });
    expect(JSON.parse(shown.stdout)).toMatchObject([{ seq: 1 }, { seq: 2 }]);
  });

  it('waits for the relay after the end', async () => {
    on.api.executions.seed({ executions: [anExecution({ status: 'succeeded', eventCount: 2 })] });
    await append(1, '01A');
    const { audit } = on.api;
    const list = audit.list.bind(audit);
    let late = false;
    audit.list = async (...query) => {
      const page = await list(...query);
      if (!late) await append(1, '01B');
      late = true;
      return page;
    };
    const { code, stdout } = await cli(['audit', 'verify', 'report:one', '--json'], { connect: on.connect });
    expect(code).toBe(0);
    expect(JSON.parse(stdout) as AuditReport).toMatchObject({ verified: true, complete: true, recordCount: 2 });
  });

  it('says that an open execution is not complete', async () => {
    on.api.executions.seed({ executions: [anExecution({ eventCount: 5 })] });
    await append(2, '01A');
    const { code, stdout } = await cli(['audit', 'verify', 'report:one'], { connect: on.connect });
    expect(code).toBe(0);
    expect(stdout).toContain('still running, and 3 events are not yet in the chain');
    const shown = await cli(['events', 'report:one'], { connect: on.connect });
    expect(shown.stderr).toContain('3 more');
  });

  it('exits 1 with every problem when the chain is broken', async () => {
    on.api.executions.seed({ executions: [anExecution({ status: 'failed', eventCount: 1 })] });
    await append(2, '01A');
    const { code, stdout, stderr } = await cli(['audit', 'verify', 'report:one', '--json'], { connect: on.connect });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verified: false, problems: [{ kind: 'wrong_count' }] });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'audit_broken' } });
  });
});
