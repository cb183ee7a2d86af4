import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { outcomeSignals } from '../../../../lambdas/shared/outcome-signals.ts';
import { metrics } from '../../../../lambdas/shared/powertools.ts';
import { aLease } from '../../../_helpers/fakes/records.ts';

let lines: string[];
beforeEach(() => {
  lines = [];
  const write = (chunk: unknown) => {
    lines.push(...String(chunk).split('\n').filter(Boolean));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('an outcome that is refused is counted under the name of the service, and its reason is in the log', () => {
  const lease = aLease({ status: 'claimed', nonceHash: 'b'.repeat(64) });
  outcomeSignals.outcomeRefused(lease, 'the runner that claimed did not sign it');
  metrics.publishStoredMetrics();
  const logged = lines.map((line) => JSON.parse(line) as { readonly [key: string]: unknown });
  const { executionId, path: stepPath, attempt, leaseId } = lease;
  expect(logged).toEqual([
    expect.objectContaining({
      level: 'WARN',
      ...{ executionId, stepPath, attempt, leaseId },
      why: 'the runner that claimed did not sign it',
    }),
    expect.objectContaining({ OutcomeRefused: 1 }),
  ]);
  expect(logged[1]).toHaveProperty('_aws.CloudWatchMetrics', [
    expect.objectContaining({ Namespace: 'Wflo', Dimensions: [['service']] }),
  ]);
  for (const secret of [lease.codeHash, lease.nonceHash]) expect(lines.join()).not.toContain(secret);
});
