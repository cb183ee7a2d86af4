import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

export interface AlarmOptions {
  readonly metric: IMetric;
  /** From here on; with `missing: 'alarms'`, below this. */
  readonly threshold: number;
  /** Periods of the metric one after the other. @default 1 */
  readonly periods?: number;
  /** `alarms`: what is watched has to happen all the time. @default 'is fine' */
  readonly missing?: 'is fine' | 'alarms';
  /** What it means and where to look. What to do stands in `docs/guides/operating.md`, under the name of the alarm. */
  readonly description: string;
}

/** Makes the alarms of a stage, all to one topic. */
export class Alarms {
  readonly #scope: Construct;
  readonly #stage: string;
  readonly #topic: ITopic;

  constructor(scope: Construct, stage: string, topic: ITopic) {
    this.#scope = scope;
    this.#stage = stage;
    this.#topic = topic;
  }

  add(id: string, { metric, threshold, periods = 1, missing = 'is fine', description }: AlarmOptions): void {
    const below = missing === 'alarms';
    const alarm = new Alarm(this.#scope, id, {
      alarmName: `wflo-${this.#stage}-${id}`,
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: below ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#topic));
  }
}
