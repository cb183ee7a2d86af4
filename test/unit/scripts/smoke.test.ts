import { describe, expect, it } from 'vitest';
import { appendToChain } from '../../../lib/audit/chain.ts';
import type { ExecutionView } from '../../../lib/client/api.ts';
import type { ControlApiClient } from '../../../lib/client/client.ts';
import { type Check, type DeployedStage, NotShown } from '../../../scripts/smoke/check.ts';
import { CHECKS } from '../../../scripts/smoke/checks.ts';
import { runSmoke, type SmokePorts } from '../../../scripts/smoke/run-smoke.ts';

const passing: Check = { id: 'a', what: 'it holds', run: async () => 'seen' };
const failing: Check = {
  id: 'b',
  what: 'it does not',
  run: async () => {
    throw new NotShown('seen otherwise');
  },
};

/** An account that does as the script says, and what was done to it. */
function account(script: Partial<SmokePorts> = {}) {
  const done: string[] = [];
  const ports: SmokePorts = {
    account: async () => '111122223333',
    remains: async () => [],
    deploy: async (stage) => void done.push(`deploy ${stage}`),
    enter: async () => ({}) as DeployedStage,
    destroy: async (stage) => void done.push(`destroy ${stage}`),
    say: () => {},
    ...script,
  };
  return { ports, done };
}
const confirmed = { stage: 'smoke', confirmedAccount: '111122223333' };

describe('a smoke run', () => {
  it('deploys, checks in order, destroys, and is ok', async () => {
    const { ports, done } = account();
    expect(await runSmoke(confirmed, [passing], ports)).toEqual({
      ok: true,
      left: [],
      outcomes: [
        { id: 'a', result: 'shown', text: 'seen' },
        { id: 'destroy', result: 'shown', text: 'nothing is left' },
      ],
    });
    expect(done).toEqual(['deploy smoke', 'destroy smoke']);
  });

  it.each(['dev', 'prod', 'staging', 'test', 'smoke-1', 'Smoke', 'asmoke', ''])(
    'refuses stage "%s", which somebody may need',
    async (stage) => {
      const { ports, done } = account();
      await expect(runSmoke({ ...confirmed, stage }, [passing], ports)).rejects.toMatchObject({ code: 'usage' });
      expect(done).toEqual([]);
    },
  );

  it.each([undefined, '', '999999999999'])('does nothing where account %s was confirmed', async (other) => {
    const { ports, done } = account();
    const run = runSmoke({ ...confirmed, confirmedAccount: other }, [passing], ports);
    await expect(run).rejects.toMatchObject({
      code: 'usage',
      fix: expect.stringContaining('--confirm 111122223333'),
    });
    expect(done).toEqual([]);
  });

  it('neither deploys nor destroys a stage that exists', async () => {
    const { ports, done } = account({ remains: async () => ['stack WfloData-smoke'] });
    await expect(runSmoke(confirmed, [passing], ports)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('stack WfloData-smoke'),
    });
    expect(done).toEqual([]);
  });

  it('goes on after a check that fails, destroys, and is not ok', async () => {
    const { ports, done } = account();
    const report = await runSmoke(confirmed, [failing, passing], ports);
    expect(report.ok).toBe(false);
    expect(report.outcomes).toEqual([
      { id: 'b', result: 'not shown', text: 'seen otherwise' },
      { id: 'a', result: 'shown', text: 'seen' },
      { id: 'destroy', result: 'shown', text: 'nothing is left' },
    ]);
    expect(done.at(-1)).toBe('destroy smoke');
  });

  it('destroys what a deployment that failed has left', async () => {
    const { ports, done } = account({ deploy: () => Promise.reject(new Error('rolled back')) });
    const report = await runSmoke(confirmed, [passing], ports);
    expect(report.outcomes.map(({ id, result }) => [id, result])).toEqual([
      ['deploy', 'not shown'],
      ['a', 'not run'],
      ['destroy', 'shown'],
    ]);
    expect([report.ok, done]).toEqual([false, ['destroy smoke']]);
  });

  it('tells what is left where destroying fails, or leaves something', async () => {
    let looks = 0;
    const remains = async () => (looks++ === 0 ? [] : ['table WfloData-smoke-State']);
    const refused = account({ remains, destroy: () => Promise.reject(new Error('no permission')) });
    const report = await runSmoke(confirmed, [passing], refused.ports);
    expect(report).toMatchObject({ ok: false, left: ['table WfloData-smoke-State'] });
    expect(report.outcomes.at(-1)).toEqual({ id: 'destroy', result: 'not shown', text: 'no permission' });

    looks = 0;
    const silent = await runSmoke(confirmed, [passing], account({ remains }).ports);
    expect(silent.outcomes.at(-1)?.text).toBe('left: table WfloData-smoke-State');
    expect(silent.ok).toBe(false);
  });

  it('begins no further check once it is stopped, and destroys', async () => {
    const stopping = new AbortController();
    const stops: Check = {
      ...passing,
      run: async () => {
        stopping.abort();
        return 'seen';
      },
    };
    const { ports, done } = account();
    const report = await runSmoke({ ...confirmed, signal: stopping.signal }, [stops, { ...passing, id: 'c' }], ports);
    expect(report.outcomes.map(({ id, result }) => [id, result])).toEqual([
      ['a', 'shown'],
      ['c', 'not run'],
      ['destroy', 'shown'],
    ]);
    expect([report.ok, done.at(-1)]).toEqual([false, 'destroy smoke']);
  });
});

/** What the executions of one workflow look like, one look after the other; the last look stays. */
type Looks = readonly Partial<ExecutionView>[];
const endedAs = (view: Partial<ExecutionView>): Partial<ExecutionView> => ({
  startedAt: '2026-11-01T10:00:00.000Z',
  endedAt: '2026-11-01T10:00:40.000Z',
  steps: [],
  ...view,
});
const waiting: Partial<ExecutionView> = { status: 'waiting_approval', endedAt: null };

/** A stage by script: `starts` are the looks at the first, second, … execution. */
function scriptedStage(starts: readonly Looks[] = [], script: Partial<DeployedStage> = {}) {
  const looks = new Map<string, Partial<ExecutionView>[]>();
  const done: string[] = [];
  const client = {
    start: async ({ workflow }: { workflow: string }) => {
      const executionId = `${workflow}:${looks.size + 1}`;
      looks.set(executionId, [...(starts[looks.size] ?? [])]);
      return { created: true, execution: { executionId } };
    },
    describe: async (executionId: string) => {
      const left = looks.get(executionId) ?? [];
      return { executionId, ...(left.length > 1 ? left.shift() : left[0]) };
    },
    decide: async (approvalId: string) => void done.push(`approve ${approvalId}`),
  } as unknown as ControlApiClient;
  const stage: DeployedStage = {
    region: 'us-east-1',
    controlApiUrl: 'https://abc.execute-api.us-east-1.amazonaws.com/api/',
    client,
    executionIds: new Set(),
    networkMode: async () => 'private',
    machineEncryption: async () => 'CUSTOMER_MANAGED_KMS_KEY',
    stopMachine: async (id) => void done.push(`stop ${id}`),
    runningTasks: async () => [],
    countLogLines: async (_, text) => (text === 'POST' ? 3 : 0),
    queueDepths: async () => ({ 'wflo-smoke-undelivered-events': 0 }),
    alarms: async () => [{ name: 'wflo-smoke-AuditGap', state: 'OK' }],
    deployChange: async () => void done.push('deploy'),
    async eventually(look, holds, what) {
      for (let tries = 0; tries < 5; tries++) {
        const seen = await look();
        if (holds(seen)) return seen;
      }
      throw new NotShown(what);
    },
    ...script,
  };
  return { stage, done };
}

const run = (id: string, stage: DeployedStage): Promise<string> => {
  const check = CHECKS.find((each) => each.id === id);
  if (check === undefined) throw new Error(`no check ${id}`);
  return check.run(stage);
};
const answers = (...statuses: readonly [number, string][]): Looks => [
  endedAs({
    status: 'succeeded',
    output: { answers: statuses.map(([status, said], index) => ({ url: `https://h${index}/`, status, said })) },
  }),
];

describe('checks of the smoke run', () => {
  it('have ids of their own, and say what they show', () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
    for (const { id, what } of CHECKS)
      expect([id, what]).toEqual([expect.stringMatching(/^[a-z-]+$/), expect.any(String)]);
  });

  const shown: [string, Looks[], Partial<DeployedStage>?][] = [
    ['sandbox-runs', [[endedAs({ status: 'succeeded', output: { message: 'Hello, Smoke!' } })]]],
    ['private-network', []],
    ['claim-source', []],
    [
      'endpoint-policies',
      [answers([403, '<Code>AccessDenied</Code>'], [403, '{"message":"Forbidden"}'], [0, 'no name'])],
    ],
    ['gate', [[waiting, endedAs({ status: 'succeeded', output: { edition: 'first' } })]]],
    ['encrypted-machine', []],
    ['stopped', [[{ endedAt: null, steps: [{ status: 'running' } as never] }, endedAs({ status: 'cancelled' })]]],
    ['time-out', [[endedAs({ status: 'timed_out' })]]],
    ['queues-empty', []],
    ['alarms-quiet', []],
  ];
  it.each(shown)('%s is shown where it holds', async (id, starts, script) => {
    expect(await run(id, scriptedStage(starts, script).stage)).not.toBe('');
  });

  const otherwise: [string, string, Looks[], Partial<DeployedStage>?][] = [
    ['sandbox-runs', 'ended failed', [[endedAs({ status: 'failed' })]]],
    ['sandbox-runs', 'ended succeeded', [[endedAs({ status: 'succeeded', output: { message: 'Hello, X!' } })]]],
    ['private-network', 'the network mode is open', [], { networkMode: async () => 'open' }],
    ['private-network', 'access log', [], { countLogLines: async () => 0 }],
    ['claim-source', '2 claims', [], { countLogLines: async () => 2 }],
    ['endpoint-policies', 'answered 200', [answers([200, 'data'], [403, ''], [0, ''])]],
    ['endpoint-policies', 'answered 403', [answers([403, ''], [403, 'Missing Authentication Token'], [0, ''])]],
    ['endpoint-policies', '1 of 3', [answers([403, ''])]],
    ['gate', 'ended rejected', [[endedAs({ status: 'rejected' })]]],
    ['encrypted-machine', 'AWS_OWNED_KEY', [], { machineEncryption: async () => 'AWS_OWNED_KEY' }],
    ['stopped', 'ended failed', [[endedAs({ status: 'failed' })]]],
    [
      'stopped',
      'no task runs',
      [[{ endedAt: null, steps: [{ status: 'running' } as never] }, endedAs({ status: 'cancelled' })]],
      { runningTasks: async () => ['arn:task'] },
    ],
    ['time-out', 'ended succeeded', [[endedAs({ status: 'succeeded' })]]],
    ['audit-chains', 'no execution was started', []],
    ['queues-empty', 'undelivered holds 1', [], { queueDepths: async () => ({ undelivered: 1 }) }],
    ['queues-empty', 'no queues', [], { queueDepths: async () => ({}) }],
    ['alarms-quiet', 'raised: a', [], { alarms: async () => [{ name: 'a', state: 'ALARM' }] }],
    ['alarms-quiet', 'no alarms', [], { alarms: async () => [] }],
  ];
  it.each(otherwise)('%s is not shown where it does not: %s', async (id, seen, starts, script) => {
    const { stage } = scriptedStage(starts, script);
    await expect(run(id, stage)).rejects.toThrow(seen);
  });

  it('deploys between asking and approving, and tells old bytes from new ones', async () => {
    const old: Looks = [waiting, endedAs({ status: 'succeeded', output: { edition: 'first' } })];
    const fresh: Looks = [waiting, endedAs({ status: 'succeeded', output: { edition: 'second', changed: true } })];
    const { stage, done } = scriptedStage([old, fresh]);
    await run('deploy-over-gate', stage);
    expect(done).toEqual(['deploy', 'approve smoke-gate:1:act:1', 'approve smoke-gate:2:act:1']);
    await expect(run('deploy-over-gate', scriptedStage([fresh, fresh]).stage)).rejects.toThrow('smoke-gate:1 ended');
    await expect(run('deploy-over-gate', scriptedStage([old, old]).stage)).rejects.toThrow('smoke-gate:2 ended');
  });

  it('verifies every chain to its last event', async () => {
    const event = (eventId: string) =>
      ({
        eventId,
        eventType: 'workflow.started',
        executionId: 'hello:1',
        occurredAt: '2026-11-01T10:00:00.000Z',
      }) as never;
    const records = appendToChain(undefined, [event('1'), event('2')]);
    const chainOf = (kept: typeof records, eventCount: number) => {
      const { stage } = scriptedStage();
      stage.executionIds.add('hello:1');
      const events = async () => ({ records: kept, eventCount, status: 'succeeded' as const });
      return { ...stage, client: { ...stage.client, events } };
    };
    expect(await run('audit-chains', chainOf(records, 2))).toBe('1 chains, 2 events');
    await expect(run('audit-chains', chainOf(records.slice(0, 1), 2))).rejects.toThrow('every event of hello:1');
    await expect(run('audit-chains', chainOf(records.slice(1), 1))).rejects.toThrow('does not verify');
  });
});
