import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runAgent } from '../../_helpers/run-agent.ts';

const folder = join(import.meta.dirname, '../../../state-machines/data-processor/agent');

const empty = {
  asOf: '2026-10-31',
  cutoff: '2025-10-31',
  examined: 1,
  count: 0,
  bytes: 0,
  ids: [],
  byKind: [{ kind: 'session', examined: 1, selected: 0, bytes: 0 }],
  kept: [],
  risk: 0,
  reasons: [],
};

async function report(plan: object): Promise<{ readonly title: string; readonly markdown: string }> {
  const { output } = await runAgent(folder, ['node', 'report.mjs'], { plan });
  return output as { readonly title: string; readonly markdown: string };
}

it('names count, risk with its reasons, what is kept, and the first ten records', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `ses-${index}`);
  const { title, markdown } = await report({
    ...empty,
    examined: 40,
    count: 12,
    bytes: 3 * 1024 ** 3,
    ids,
    kept: [{ reason: 'legal hold', count: 2 }],
    risk: 35,
    reasons: [{ points: 20, text: '30.0 % of all records would be deleted' }],
  });
  expect(title).toBe('Clean-up plan of 2026-10-31: 12 records, risk 35 of 100 (medium)');
  expect(markdown).toContain('Of 40 records, 12 (3.0 GiB) were last used before 2025-10-31');
  expect(markdown).toContain('- **+20**: 30.0 % of all records would be deleted');
  expect(markdown).toContain('- 2 records: legal hold');
  expect(markdown).toContain('- `ses-9`\n- and 2 more');
  expect(markdown).not.toContain('`ses-10`');
});

it('says so where there is nothing to delete', async () => {
  const { title, markdown } = await report(empty);
  expect(title).toBe('Clean-up plan of 2026-10-31: 0 records, risk 0 of 100 (low)');
  expect(markdown).toContain('Nothing speaks against it.');
  expect(markdown.match(/^None\.$/gm)).toHaveLength(2);
});

it.each([
  [29, 'low'],
  [30, 'medium'],
  [59, 'medium'],
  [60, 'high'],
])('calls risk %i %s', async (risk, level) => {
  expect((await report({ ...empty, risk })).title).toMatch(new RegExp(`\\(${level}\\)$`));
});
