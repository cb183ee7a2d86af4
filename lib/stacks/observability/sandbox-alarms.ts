import { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import { counted } from './metrics.ts';

const READERS_OF_OUTCOMES = { FinishStep: 'finish-step', EndExecution: 'end-execution', Reconcile: 'reconcile' };

/**
 * What sandboxes tried and were refused, or what was noticed of them. Answers what the dashboard shows of it. There is
 * no alarm on `LateResult`: every cancelled sandbox may report late, and it changes nothing.
 */
export function alarmOnSandboxes(alarms: Alarms): readonly IMetric[] {
  const conflicts = counted('ClaimConflict', 'serve-sandbox-api');
  alarms.add('ClaimConflict', {
    metric: conflicts,
    threshold: 1,
    description:
      'Two runners claimed one lease: somebody may have read a bootstrap code. See the event sandbox.claim_conflict',
  });
  const refused = counted('ClaimRefused', 'serve-sandbox-api').with({ period: Duration.minutes(5) });
  // Five, because one or two come from a runner whose answer was lost, or a task that ended in that moment.
  alarms.add('ClaimRefused', {
    metric: refused,
    threshold: 5,
    description:
      'Five claims in five minutes were refused: somebody may guess codes, or tasks run another revision than was frozen. ' +
      'Lines with status 403 in the log of serve-sandbox-api name the execution and the step',
  });
  const refusedOutcomes = Object.entries(READERS_OF_OUTCOMES).map(([name, service]) => {
    const metric = counted('OutcomeRefused', service);
    // By function, each from the first one: no runner of ours leaves such a file.
    alarms.add(`${name}OutcomeRefused`, {
      metric,
      threshold: 1,
      description:
        'An outcome.json does not count: the runner that claimed did not write it, or not for this attempt. ' +
        'The warning in the log says which and why',
    });
    return metric;
  });
  const unwritten = counted('LogsNotWritten', 'serve-sandbox-api');
  // Runners send such lines again: one throttled minute loses none.
  alarms.add('LogsNotWritten', {
    metric: unwritten,
    threshold: 1,
    periods: 3,
    description:
      'Log lines of sandboxes could not be written in three minutes one after the other; runners drop them in the end. ' +
      'The failure is in the log of serve-sandbox-api',
  });
  const elsewhere = counted('ClaimSourceDiffers', 'serve-sandbox-api');
  alarms.add('ClaimSourceDiffers', {
    metric: elsewhere,
    threshold: 1,
    description:
      'A claim with the right code came from another address of the network than its task has: something else in the network may act for it. ' +
      'The warning in the log of serve-sandbox-api has both addresses',
  });
  return [conflicts, refused, ...refusedOutcomes, unwritten, elsewhere, counted('LateResult', 'serve-sandbox-api')];
}
