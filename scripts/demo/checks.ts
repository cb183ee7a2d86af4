import { readFile } from 'node:fs/promises';
import { verifyChain } from '../../lib/audit/chain.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import { done, failed } from './words.ts';

function verdict(holds: boolean, text: string, otherwise: string): boolean {
  if (holds) done(text);
  else failed(otherwise);
  return holds;
}

export function checkGreeting({ status, output, error }: ExecutionView): boolean {
  const said = JSON.stringify(output);
  return verdict(
    status === 'succeeded' && said === '{"message":"Hello, Alice!"}',
    `The output is ${said}`,
    `Expected a greeting, and the execution ended ${status}: ${error?.message ?? said}`,
  );
}

interface Record {
  readonly kind: string;
  readonly status: string;
  readonly lastAccessedAt: string;
  readonly legalHold: boolean;
}

/** Counts in the seed file, apart from all code of the workflow, what the plan must have found. */
async function expectedCount(olderThanDays: number, asOf: string): Promise<{ examined: number; count: number }> {
  const file = new URL('../../state-machines/data-processor/data/records.json', import.meta.url);
  const records = JSON.parse(await readFile(file, 'utf8')) as Record[];
  const cutoff = new Date(Date.parse(asOf) - olderThanDays * 86_400_000).toISOString().slice(0, 10);
  const kept = ({ kind, status, legalHold }: Record) =>
    legalHold || (kind === 'invoice' && status === 'open') || (kind === 'customer' && status === 'active');
  const old = records.filter((record) => record.lastAccessedAt.slice(0, 10) < cutoff && !kept(record));
  return { examined: records.length, count: old.length };
}

export async function checkReport(
  view: ExecutionView,
  input: { olderThanDays: number; asOf: string },
): Promise<boolean> {
  const expected = await expectedCount(input.olderThanDays, input.asOf);
  const output = view.output as { examined: number; count: number; risk: number } | undefined;
  return verdict(
    view.status === 'succeeded' && output?.examined === expected.examined && output.count === expected.count,
    `${output?.count} of ${output?.examined} records could go, at a risk of ${output?.risk} of 100: the same count as in the seed file`,
    `Expected ${expected.count} of ${expected.examined} records, and the execution ended ${view.status} with ${JSON.stringify(output ?? view.error)}`,
  );
}

/** `ids` are what people approved; `before` and `after` what the table held, read without any code of Wflo. */
export function checkDeletion(
  view: ExecutionView,
  ids: readonly string[],
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): boolean {
  const gone = [...before].filter((id) => !after.has(id)).sort();
  const exact = JSON.stringify(gone) === JSON.stringify([...ids].sort());
  return verdict(
    view.status === 'succeeded' && exact && ids.length > 0,
    `Exactly the ${gone.length} approved records are gone; ${after.size} of ${before.size} are left`,
    `Expected the ${ids.length} approved records to be gone, ${gone.length} are, and the execution ended ${view.status}`,
  );
}

export function checkUntouched(
  view: ExecutionView,
  ended: { readonly status: ExecutionView['status']; readonly code: string },
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): boolean {
  const same = before.size === after.size && [...before].every((id) => after.has(id));
  return verdict(
    view.status === ended.status && view.error?.code === ended.code && same,
    `It ended ${view.status} (${view.error?.code}), and all ${after.size} records are there`,
    `Expected ${ended.status} (${ended.code}) and ${before.size} records: ${view.status} (${view.error?.code}), ${after.size} records`,
  );
}

export async function checkChain(client: ControlApiClient, { executionId }: ExecutionView): Promise<boolean> {
  const { records, eventCount } = await client.events(executionId);
  const result = verifyChain(records, eventCount);
  return verdict(
    result.ok,
    `${records.length} events in the chain, every hash recomputed, none missing`,
    `The event chain does not verify: ${result.ok ? '' : result.problems.map((problem) => problem.message).join('; ')}`,
  );
}
