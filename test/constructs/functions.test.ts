import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../../lambdas/reconcile/reconcile.ts';
import { WATCHED } from '../../lib/aws/ledger-items.ts';
import { RESUMES } from '../../lib/aws/outbox-items.ts';
import { PLATFORM_FUNCTIONS } from '../../lib/project/build-functions.ts';
import { type SynthesisedStage, synthesiseStage, text } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
});

const functions = () => stage.ofType('AWS::Lambda::Function');
const variables = (name: string) =>
  Object.keys(
    functions().find(({ Properties }) => Properties.FunctionName === `wflo-dev-${name}`)?.Properties.Environment
      .Variables ?? {},
  )
    .filter((variable) => !/^(NODE_OPTIONS|POWERTOOLS_.*|WFLO_STAGE)$/.test(variable))
    .sort();

describe('functions', () => {
  it('are those of the platform and those of the workflows', () => {
    expect(
      functions()
        .map(({ Properties }) => Properties.FunctionName)
        .sort(),
    ).toEqual(
      [
        ...PLATFORM_FUNCTIONS.map((name) => `wflo-dev-${name}`),
        'wflo-dev-step-data-processor-delete-old-records',
        'wflo-dev-step-data-processor-export-records',
        'wflo-dev-setup-data-processor-seed-records',
      ].sort(),
    );
  });

  it('have the defaults of the platform', () => {
    for (const { Properties } of functions()) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Architectures: ['x86_64'],
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogFormat: 'JSON' },
      });
      expect(Properties.Timeout).toBeGreaterThanOrEqual(29);
      expect(Properties.VpcConfig).toBeUndefined();
      expect(Properties.Environment.Variables).toMatchObject({
        WFLO_STAGE: 'dev',
        NODE_OPTIONS: '--enable-source-maps',
      });
    }
  });

  it('write to a group of their own', () => {
    for (const { Properties } of functions()) {
      const group = stage.resources.find(({ id }) => id === Properties.LoggingConfig.LogGroup.Ref);
      expect(group?.Properties.LogGroupName).toBe(Properties.FunctionName.replace(/^wflo-dev-/, '/wflo/dev/'));
    }
  });

  it('share no role', () => {
    const roles = functions().map(({ Properties }) => text(Properties.Role));
    expect(new Set(roles).size).toBe(roles.length);
  });

  it.each([
    [
      'open-execution',
      ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'LEDGER_TABLE', 'PEOPLE_TABLE', 'RETENTION_DAYS', 'STATE_TABLE'],
    ],
    [
      'prepare-step',
      ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'LEDGER_TABLE', 'RETENTION_DAYS', 'SANDBOX_ARCHITECTURE', 'STATE_TABLE'],
    ],
    ['request-approval', ['EVENTS_TABLE', 'RETENTION_DAYS', 'STATE_TABLE', 'TOKENS_TABLE']],
    ['resume-approval', ['EVENTS_TABLE', 'RETENTION_DAYS', 'STATE_TABLE', 'TOKENS_TABLE']],
    ['expire-approval', ['EVENTS_TABLE', 'RETENTION_DAYS', 'STATE_TABLE']],
    ['invoke-step', ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'PEOPLE_TABLE', 'RETENTION_DAYS', 'STATE_TABLE']],
    [
      'finish-step',
      ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'LEDGER_TABLE', 'RETENTION_DAYS', 'SANDBOX_CLUSTER', 'STATE_TABLE'],
    ],
    ['close-execution', ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'RETENTION_DAYS', 'STATE_TABLE']],
    [
      'end-execution',
      ['ARTEFACT_BUCKET', 'EVENTS_TABLE', 'LEDGER_TABLE', 'RETENTION_DAYS', 'SANDBOX_CLUSTER', 'STATE_TABLE'],
    ],
    ['relay-events', ['AUDIT_TABLE', 'EVENTS_TABLE', 'EVENT_BUS']],
    ['watch-budgets', ['EVENTS_TABLE', 'LEDGER_TABLE', 'RETENTION_DAYS', 'STATE_TABLE']],
    [
      'reconcile',
      [
        'ARTEFACT_BUCKET',
        'AUDIT_TABLE',
        'EVENTS_TABLE',
        'EVENT_BUS',
        'LEDGER_TABLE',
        'PEOPLE_TABLE',
        'RESUME_FUNCTION',
        'RETENTION_DAYS',
        'SANDBOX_CLUSTER',
        'STATE_TABLE',
      ],
    ],
    [
      'serve-sandbox-api',
      [
        'ARTEFACT_BUCKET',
        'EVENTS_TABLE',
        'MODELS_URL',
        'PEOPLE_TABLE',
        'RETENTION_DAYS',
        'SANDBOX_CLUSTER',
        'SANDBOX_LOG_GROUP',
        'STATE_TABLE',
      ],
    ],
    ['serve-gateway', ['EVENTS_TABLE', 'LEDGER_TABLE', 'RETENTION_DAYS', 'STATE_TABLE']],
    [
      'serve-control-api',
      [
        'ARTEFACT_BUCKET',
        'AUDIT_TABLE',
        'EVENTS_TABLE',
        'LEDGER_TABLE',
        'PEOPLE_TABLE',
        'RECONCILE_FUNCTION',
        'RETENTION_DAYS',
        'SANDBOX_LOG_GROUP',
        'STATE_TABLE',
      ],
    ],
    ['copy-code', ['ARTEFACT_BUCKET']],
    ['register-workflow', ['STATE_TABLE']],
    ['step-data-processor-export-records', ['RECORDS_TABLE']],
    ['step-data-processor-delete-old-records', ['RECORDS_TABLE']],
  ])('%s gets these variables', (name, expected) => {
    expect(variables(name)).toEqual(expected);
  });
});

describe('log groups', () => {
  it('end, and are encrypted', () => {
    expect(stage.ofType('AWS::Logs::LogGroup').length).toBeGreaterThan(15);
    for (const { Properties } of stage.ofType('AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays, Properties.LogGroupName).toBe(14);
      expect(text(Properties.KmsKeyId)).toContain('TelemetryKey');
    }
  });

  it('have names that the telemetry key is for', () => {
    const names = stage.ofType('AWS::Logs::LogGroup').map(({ Properties }) => Properties.LogGroupName);
    expect(names.filter((name) => !/^(\/wflo\/dev\/|\/aws\/vendedlogs\/states\/wflo-dev-)/.test(name))).toEqual([]);
  });
});

describe('what starts functions', () => {
  /** By the function that it starts; those of one table. */
  const mappings = (table = 'Events') =>
    stage
      .ofType('AWS::Lambda::EventSourceMapping')
      .map(({ Properties }) => Properties)
      .filter(({ EventSourceArn }) => text(EventSourceArn).includes(table))
      .sort((a, b) => (text(a.FunctionName) < text(b.FunctionName) ? -1 : 1));

  it('the stream, which has as many consumers as it may have: in order, in small batches, with an end to every failure', () => {
    expect(mappings().map(({ FunctionName }) => text(FunctionName).replace(/Function[0-9A-F]{8}>$/, '>'))).toEqual([
      '<RelayEvents>',
      '<ResumeApproval>',
    ]);
    for (const { EventSourceArn, FunctionName: _function, DestinationConfig: _queue, ...settings } of mappings()) {
      expect(text(EventSourceArn)).toMatch(/Events.*StreamArn/);
      expect(settings).toMatchObject({
        BatchSize: 10,
        ParallelizationFactor: 1,
        StartingPosition: 'TRIM_HORIZON',
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 10,
      });
      // The local AWS loses what a handler reports in this way.
      expect(settings.FunctionResponseTypes).toBeUndefined();
    }
    // What the relay gives up comes late into the chain; a decision is looked for by reconcile after half a minute.
    expect(mappings().map(({ MaximumRecordAgeInSeconds: age }) => age)).toEqual([300, 60]);
    const queues = mappings().map(({ DestinationConfig }) => text(DestinationConfig.OnFailure.Destination));
    expect(queues[0]).toContain('UndeliveredRecords');
    expect(queues[1]).toContain('UndeliveredDecisions');
  });

  it('new items of the stream: all of them the relay, and the resumer those that the store marks', () => {
    const patterns = mappings().map(({ FilterCriteria }) =>
      FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern)),
    );
    expect(patterns).toEqual([
      [{ eventName: ['INSERT'] }],
      [{ eventName: ['INSERT'], dynamodb: { NewImage: { resumes: { S: ['approval'] } } } }],
    ]);
    expect(RESUMES).toEqual({ attribute: 'resumes', value: 'approval' });
  });

  it('what the ledger marks: scopes and windows with alerts, entries and holds of unknown cost, with an end to every failure', () => {
    const [mapping, ...others] = mappings('Ledger');
    expect(others).toEqual([]);
    expect(text(mapping?.FunctionName)).toContain('WatchBudgets');
    expect(mapping).toMatchObject({
      BatchSize: 100,
      ParallelizationFactor: 1,
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10,
      MaximumRecordAgeInSeconds: 300,
    });
    expect(mapping?.FunctionResponseTypes).toBeUndefined();
    expect(text(mapping?.DestinationConfig.OnFailure.Destination)).toContain('UndeliveredSpending');
    expect(mapping?.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern))).toEqual([
      {
        eventName: ['INSERT', 'MODIFY'],
        dynamodb: { NewImage: { watched: { S: ['scope', 'windows', 'entry', 'unsettled'] } } },
      },
    ]);
    expect(WATCHED).toBe('watched');
  });

  it('the end of an execution of this stage, with queues behind delivery and failure', () => {
    const [rule] = stage.ofType('AWS::Events::Rule').filter(({ id }) => id.startsWith('ExecutionEndings'));
    const { source, detail } = rule?.Properties.EventPattern ?? {};
    expect(source).toEqual(['aws.states']);
    expect(detail.status).toEqual(['FAILED', 'TIMED_OUT', 'ABORTED']);
    expect(text(detail.stateMachineArn[0].prefix)).toBe(
      'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:wflo-dev-',
    );
    expect(text(rule?.Properties.Targets[0].Arn)).toContain('EndExecution');
    expect(text(rule?.Properties.Targets[0].DeadLetterConfig.Arn)).toContain('UndeliveredEndings');
    const [config] = stage.ofType('AWS::Lambda::EventInvokeConfig').filter(({ id }) => id.startsWith('EndExecution'));
    expect(config?.Properties.MaximumRetryAttempts).toBe(2);
    expect(text(config?.Properties.DestinationConfig.OnFailure.Destination)).toContain('UndeliveredEndings');
  });

  it('every minute, without repeats', () => {
    const [rule] = stage.ofType('AWS::Events::Rule').filter(({ id }) => id.startsWith('EveryMinute'));
    expect(rule?.Properties.ScheduleExpression).toBe('rate(1 minute)');
    expect(text(rule?.Properties.Targets[0].Arn)).toContain('Reconcile');
    expect(rule?.Properties.Targets[0].RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 });
  });

  it('callers that each permission names', () => {
    for (const { Properties, id } of stage.ofType('AWS::Lambda::Permission')) {
      expect(['events.amazonaws.com', 'apigateway.amazonaws.com'], id).toContain(Properties.Principal);
      expect(Properties.SourceArn, id).toBeDefined();
    }
  });
});

describe('alarms', () => {
  it('all tell the topic', () => {
    const alarms = stage.ofType('AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(54);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toHaveLength(1);
      expect(Properties.AlarmDescription.length).toBeGreaterThan(20);
      // The local AWS knows no metric math.
      expect(Properties.Metrics).toBeUndefined();
    }
  });

  it('watch every queue and every function of the platform that is not only for deployments', () => {
    const watched = stage
      .ofType('AWS::CloudWatch::Alarm')
      .flatMap(({ Properties }) => Properties.Dimensions.map(({ Value }: { Value: string }) => Value));
    const queues = stage.ofType('AWS::SQS::Queue').map(({ Properties }) => Properties.QueueName);
    const ofDeployments = ['copy-code', 'register-workflow'];
    const serving = PLATFORM_FUNCTIONS.filter((name) => !ofDeployments.includes(name)).map(
      (name) => `wflo-dev-${name}`,
    );
    expect([...queues, ...serving].filter((name) => !watched.includes(name))).toEqual([]);
  });

  it('watch what handlers count, under the service name of the function that counts it', () => {
    const counted = stage
      .ofType('AWS::CloudWatch::Alarm')
      .filter(({ Properties }) => Properties.Namespace === 'Wflo')
      .map(({ Properties }) => {
        const { service, ...others } = Object.fromEntries(
          Properties.Dimensions.map(({ Name, Value }: { Name: string; Value: string }) => [Name, Value]),
        );
        const { MetricName, Threshold, Period, EvaluationPeriods } = Properties;
        expect(Properties.Statistic).toBe(MetricName === 'ReconcileLateSeconds' ? 'Maximum' : 'Sum');
        const which = [MetricName, ...Object.values(others)].join(' ');
        // A repair is counted, and a delay told, by the name of its check.
        expect([MetricName, Object.keys(others)]).toEqual([
          MetricName,
          /^Reconcile(Repairs|LateSeconds) /.test(which)
            ? ['check']
            : /^BudgetsExceeded /.test(which)
              ? ['workflow']
              : [],
        ]);
        return [which, service, Threshold, (Period / 60) * EvaluationPeriods];
      });
    expect(counted.sort()).toEqual([
      ['AuditGaps', 'relay-events', 1, 1],
      ['BoundViolated', 'watch-budgets', 1, 1],
      ['BudgetsExceeded data-processor', 'tell-budgets', 1, 1],
      ['BudgetsExceeded hello', 'tell-budgets', 1, 1],
      ['BudgetsExceeded research-agent', 'tell-budgets', 1, 1],
      ['BudgetsExceeded research-agent-ts', 'tell-budgets', 1, 1],
      ['ClaimConflict', 'serve-sandbox-api', 1, 1],
      ['ClaimRefused', 'serve-sandbox-api', 5, 5],
      ['ClaimSourceDiffers', 'serve-sandbox-api', 1, 1],
      ['LedgerUnreachable', 'serve-gateway', 1, 2],
      ['LogsNotWritten', 'serve-sandbox-api', 1, 3],
      ['OutcomeRefused', 'end-execution', 1, 1],
      ['OutcomeRefused', 'finish-step', 1, 1],
      ['OutcomeRefused', 'reconcile', 1, 1],
      ['ReconcileFailures', 'reconcile', 3, 15],
      ['ReconcileLateSeconds expired-holds', 'reconcile', 600, 5],
      ['ReconcileLateSeconds open-executions', 'reconcile', 600, 5],
      ['ReconcileLateSeconds overdue-approvals', 'reconcile', 600, 5],
      ['ReconcileLateSeconds silent-leases', 'reconcile', 600, 5],
      ['ReconcileLateSeconds unpublished-events', 'reconcile', 600, 5],
      ['ReconcileNotCalled', 'serve-control-api', 1, 1],
      ['ReconcileRepairs expired-holds', 'reconcile', 10, 15],
      ['ReconcileRepairs frozen-leases', 'reconcile', 1, 5],
      ['ReconcileRepairs open-executions', 'reconcile', 1, 5],
      ['ReconcileRepairs orphaned-tasks', 'reconcile', 1, 5],
      ['ReconcileRepairs overdue-approvals', 'reconcile', 1, 1],
      ['ReconcileRepairs silent-leases', 'reconcile', 3, 15],
      ['ReconcileRepairs unpublished-events', 'reconcile', 10, 5],
      ['ReconcileRuns', 'reconcile', 1, 5],
      ['UnknownOutboxItems', 'relay-events', 1, 1],
      ['UnsettledHolds', 'watch-budgets', 1, 1],
    ]);
    expect(CHECKS.map(({ name }) => name)).toContain('overdue-approvals');
    const services = stage
      .ofType('AWS::Lambda::Function')
      .map(({ Properties }) => Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME);
    expect(counted.map(([, service]) => service).filter((service) => !services.includes(service))).toEqual([]);
  });
});
