import { expect, it, onTestFinished } from 'vitest';
import { WfloError } from '../../../lib/errors.ts';
import { loadValues } from '../../../lib/execution/load-values.ts';
import type { FinishAnswer, Handle } from '../../../lib/execution/records.ts';
import type { RefData } from '../../../lib/workflow/template.ts';
import { FakeBlobStore } from '../../_helpers/fakes/fake-blob-store.ts';

const EXECUTION_ID = 'report:one';
const REFS: readonly RefData[] = [
  { source: { from: 'input' }, path: ['table'] },
  { source: { from: 'step', step: 'plan' }, path: ['ids'] },
];

const answer = (ref: Handle): FinishAnswer => ({
  ...{ next: 'ok', waitSeconds: 0, refs: {} },
  ...{ ref, error: { code: '', message: '' } },
});

/** An input and an output of `plan`, which the store gives out once `release` is called. */
async function slowOutput() {
  const blobs = new FakeBlobStore();
  const input = await blobs.put(EXECUTION_ID, 'input', { table: 'orders' });
  const output = await blobs.put(EXECUTION_ID, 'output/plan/1', { ids: ['a'] });
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const get = blobs.get.bind(blobs);
  blobs.get = async (executionId, handle) => {
    if (handle.key === output.key) await released;
    return get(executionId, handle);
  };
  return { blobs, release, input, steps: { plan: answer(output) } };
}

it('loads what the references read', async () => {
  const { blobs, release, input, steps } = await slowOutput();
  release();
  const values = await loadValues(blobs, EXECUTION_ID, REFS, { input, steps });
  expect(values.input).toEqual({ table: 'orders' });
  expect([...values.steps]).toEqual([['plan', { ids: ['a'] }]]);
});

it('leaves no failure of the input alone while an output is still on its way', async () => {
  const { blobs, release, input, steps } = await slowOutput();
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  onTestFinished(() => {
    process.off('unhandledRejection', onUnhandled);
  });
  blobs.tamper(EXECUTION_ID, input, '{"table":"customers"}');
  const loading = loadValues(blobs, EXECUTION_ID, REFS, { input, steps }).catch((error: unknown) => error);
  // The process is told of it after everything that is ready has run.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  release();
  const error = await loading;
  expect(WfloError.is(error) && error.code).toBe('payload_changed');
  expect(unhandled).toEqual([]);
});
