import type { RecordedCall } from '../recorded-calls/recorded.ts';
import { arn } from './literals.ts';

/** A call that a function makes where the end-to-end tests do not surely get, or not at all. */
export interface UnrecordedCall extends RecordedCall {
  readonly reason: string;
}

type Made = readonly [action: string, resource: string];

function unrecorded(reason: string, made: Readonly<Record<string, readonly Made[]>>): readonly UnrecordedCall[] {
  return Object.entries(made).flatMap(([name, calls]) =>
    calls.map(([action, resource]) => ({ role: `${name}Role`, action, resource, presigned: false, reason })),
  );
}

const table = (name: string) => arn('dynamodb', `table/${name}`);
const objects = (prefix: string) => `arn:aws:s3:::artefacts/${prefix}/any`;
const records = table('WorkflowdataprocessorResourcesRecords');
const READ_BLOB: Made = ['s3:GetObject', objects('blobs')];
const WRITE_BLOB: Made = ['s3:PutObject', objects('blobs')];
const LEDGER_READ: Made = ['dynamodb:GetItem', table('Ledger')];
const LEDGER_PUT: Made = ['dynamodb:PutItem', table('Ledger')];
const LEDGER_UPDATE: Made = ['dynamodb:UpdateItem', table('Ledger')];
/** Limits, before a scope has them. */
const LEDGER_CHECK: Made = ['dynamodb:ConditionCheckItem', table('Ledger')];
const FIND_TASKS: Made = ['ecs:ListTasks', arn('ecs', 'container-instance/wflo-dev/*')];
const STOP_TASK: Made = ['ecs:StopTask', arn('ecs', 'task/wflo-dev/id')];

/** A row is gone once the call is recorded: the test says so. */
export const UNRECORDED: readonly UnrecordedCall[] = [
  ...unrecorded('values above 32 KiB are apart; the end-to-end tests move such a one only as the output of a sandbox', {
    OpenExecution: [READ_BLOB, WRITE_BLOB],
    PrepareStep: [READ_BLOB, WRITE_BLOB],
    InvokeStep: [READ_BLOB, WRITE_BLOB],
    FinishStep: [['dynamodb:PutItem', table('State')], WRITE_BLOB],
    Reconcile: [['dynamodb:PutItem', table('State')], READ_BLOB, WRITE_BLOB],
    ServeSandboxApi: [READ_BLOB],
  }),
  { ...signed('ServeSandboxApi', READ_BLOB), reason: 'an input above 32 KiB, which a runner downloads' },
  ...unrecorded('reconcile does it for what another function was killed in or an outage left, not in a quiet run', {
    Reconcile: [
      ['dynamodb:UpdateItem', table('Events')],
      ['dynamodb:GetItem', table('Audit')],
      ['dynamodb:PutItem', table('Audit')],
      ['dynamodb:Query', table('Audit')],
      ['events:PutEvents', arn('events', 'event-bus/wflo-dev')],
      ['s3:GetObject', objects('uploads')],
      ['s3:GetObject', objects('workspaces')],
      STOP_TASK,
      ['lambda:InvokeFunction', arn('lambda', 'function:wflo-dev-resume-approval')],
    ],
  }),
  ...unrecorded('holds that a lost function or a lost call left, which reconcile closes', {
    Reconcile: [LEDGER_READ, LEDGER_PUT, LEDGER_UPDATE],
  }),
  ...unrecorded('the usage report of a provider, which is looked up more than a day after the call', {
    Reconcile: [
      ['secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:wflo/dev/usage/openai-AbCdEf')],
      ['dynamodb:Scan', table('People')],
    ],
  }),
  ...unrecorded('an agent that ends well while a person is still asked to raise its budget', {
    CloseExecution: [['dynamodb:Query', table('State')]],
  }),
  ...unrecorded('limits that change while a window is open', {
    OpenExecution: [LEDGER_UPDATE],
    ServeControlApi: [LEDGER_CHECK],
  }),
  ...unrecorded('`wflo costs unsettled`: read by the contract tests of the stores', {
    ServeControlApi: [['dynamodb:Query', `${table('Ledger')}/index/byHold`]],
  }),
  ...unrecorded('the first call of a day, or of an agent that has no limit, where no sandbox was reserved before it', {
    ServeGateway: [LEDGER_CHECK],
  }),
  ...unrecorded('the local AWS has no Bedrock', {
    ServeGateway: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'].flatMap((action) =>
      [
        'arn:aws:bedrock:eu-central-1::foundation-model/any',
        arn('bedrock', 'inference-profile/any'),
        arn('bedrock', 'application-inference-profile/any'),
      ].map((model): Made => [action, model]),
    ),
  }),
  ...unrecorded(
    'of a runner that left an outcome and did not complete, or of a task that outlives its step or that no lease names',
    {
      FinishStep: [['s3:GetObject', objects('workspaces')], FIND_TASKS, STOP_TASK],
      EndExecution: [FIND_TASKS, READ_BLOB, WRITE_BLOB, ['s3:GetObject', objects('workspaces')]],
    },
  ),
  ...unrecorded(
    'Prepare that refuses a step or is called a second time: it expects the execution to be open, and tells nothing',
    {
      PrepareStep: [['dynamodb:ConditionCheckItem', table('State')]],
    },
  ),
  ...unrecorded(
    '`wflo list` without a workflow, and a person who is removed: read and changed by the contract tests of the stores',
    {
      ServeControlApi: [
        ['dynamodb:Query', `${table('State')}/index/byTenant`],
        ['dynamodb:DeleteItem', table('People')],
      ],
    },
  ),
  ...unrecorded('the end-to-end tests run no step of data-processor, the demonstration does', {
    InvokeStep: ['delete-old-records', 'export-records'].map((step) => [
      'lambda:InvokeFunction',
      arn('lambda', `function:wflo-dev-step-data-processor-${step}`),
    ]),
    WorkflowdataprocessorStepexportrecords: [['dynamodb:Scan', records]],
    WorkflowdataprocessorStepdeleteoldrecords: [['dynamodb:DeleteItem', records]],
  }),
];

function signed(name: string, [action, resource]: Made): RecordedCall {
  return { role: `${name}Role`, action, resource, presigned: true };
}
