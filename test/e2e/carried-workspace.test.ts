import { describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../lib/audit/events.ts';
import { runToEnd, wfloJson } from '../_helpers/wflo.ts';

describe('carrying a workspace', () => {
  it('takes files, folders, permissions and links from step to step', async () => {
    const view = await runToEnd('carrying', { mode: 'fine' });

    expect(view).toMatchObject({ status: 'succeeded' });
    expect(view.output).toStrictEqual({
      names: ['added', 'added/empty', 'link', 'run.sh', 'src', 'src/deep', 'src/deep/ünïcödé 🦊.txt'],
      text: 'from python\nfrom node\n',
      target: 'src/deep/ünïcödé 🦊.txt',
      mode: '0o700',
    });
  });

  it('fails the step that leaves what cannot be carried, by its name, and starts no later one', async () => {
    const view = await runToEnd('carrying', { mode: 'pipe' });

    expect(view).toMatchObject({ status: 'failed', error: { code: 'invalid_workspace', stepPath: 'make' } });
    expect(view.error?.message).toContain('"src/pipe", which is a pipe');
    expect(view.steps).toMatchObject([
      { path: 'make', status: 'failed', attempt: 1, exit: { reason: 'ok', code: 0 } },
      { path: 'change', status: 'pending' },
      { path: 'read', status: 'pending' },
    ]);
    const records = await wfloJson<ChainRecord[]>('events', view.executionId);
    expect(records.at(-1)?.event.eventType).toBe('workflow.failed');
  });
});
