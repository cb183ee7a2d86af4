import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelAll } from '../../../lib/cli/cancel-open.ts';
import { leftoverNotes } from '../../../lib/cli/render-leftovers.ts';
import type { ExecutionSummary } from '../../../lib/client/api.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';
import { cli, deployment } from './cli-harness.ts';
import { aView, failure, fakeDeployment } from './fake-deployment.ts';

describe('destroy', () => {
  let on: Awaited<ReturnType<typeof deployment>>;
  beforeEach(async () => {
    on = await deployment();
  });
  afterEach(() => on.server.close());

  it('wants the name of the stage once more', async () => {
    expect(await cli(['destroy', '--stage', 'test'])).toMatchObject({ code: 2 });
    const { code, stderr } = await cli(['destroy', '--stage', 'test', '--confirm', 'prod', '--delete-data']);
    expect(code).toBe(2);
    expect(stderr).toContain('--confirm says "prod", and the stage to destroy is "test"');
    expect((await cli(['destroy', '--confirm', 'test'], { env: { WFLO_STAGE: 'prod' } })).code).toBe(2);
    expect((await cli(['destroy', '--confirm', 'prod'])).stderr).toContain('the stage to destroy is "dev"');
  });

  it('shows what is open, and is refused while anything is', async () => {
    on.api.executions.seed({ executions: [anExecution()] });
    const { code, stdout, stderr } = await cli(['destroy', '--stage', 'test', '--confirm', 'test'], {
      connect: on.connect,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('report:one');
    expect(stderr).toMatch(/^error stage_in_use: /m);
    expect((await on.api.executions.getExecution('report:one'))?.ending).toBeUndefined();
  });
});

describe('cancelling what is open', () => {
  const open = [{ executionId: 'report:one' }] as unknown as readonly ExecutionSummary[];
  const signal = new AbortController().signal;

  it('ends when the execution is final and its chain is complete', async () => {
    const on = await fakeDeployment();
    let looks = 0;
    on.routes['POST /executions/report:one/cancel'] = () => aView();
    on.routes['GET /executions/report:one'] = () => aView({ status: 'cancelled', endedAt: '2026-01-01T00:00:09.000Z' });
    on.routes['GET /executions/report:one/events'] = () => {
      looks += 1;
      return { records: [], eventCount: looks === 1 ? 1 : 0, status: 'cancelled' };
    };
    await cancelAll(await on.connect({ kind: 'aws', stage: 'test' }), open, signal);
    expect(looks).toBe(2);
    await on.server.close();
  });

  it('does not mind one that has ended by itself, and minds everything else', async () => {
    const on = await fakeDeployment();
    on.routes['POST /executions/report:one/cancel'] = () => failure('execution_closed', 'it has ended');
    on.routes['GET /executions/report:one'] = () => aView({ status: 'succeeded', endedAt: '2026-01-01T00:00:09.000Z' });
    on.routes['GET /executions/report:one/events'] = () => ({ records: [], eventCount: 0, status: 'succeeded' });
    const client = await on.connect({ kind: 'aws', stage: 'test' });
    await cancelAll(client, open, signal);
    on.routes['POST /executions/report:one/cancel'] = () => failure('forbidden', 'no');
    await expect(cancelAll(client, open, signal)).rejects.toMatchObject({ code: 'forbidden' });
    await on.server.close();
  });
});

describe('what became of leftovers', () => {
  it('is told line by line', () => {
    expect(
      leftoverNotes({
        removed: [{ kind: 'task_definition', id: 'family:1' }],
        failed: [{ kind: 'role', id: 'one', reason: 'in use' }],
        problem: null,
      }),
    ).toEqual([
      'removed task definition family:1',
      'could not remove role one: in use',
      'the next deployment tries it again',
    ]);
    expect(leftoverNotes({ removed: [], failed: [], problem: 'no' })).toEqual([
      'nothing was removed, because not everything could be read: no',
    ]);
  });
});
