import { beforeAll, describe, expect, it } from 'vitest';
import { ReasonedChecks, wildcardReasons } from '../../lib/constructs/nag/reasoned-checks.ts';
import {
  type CfnResource,
  type Statement,
  type SynthesisedStage,
  statementsOf,
  synthesiseStage,
  text,
} from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
});

interface Granted extends Statement {
  readonly role: string;
}

/** Statements of all identity policies, with the logical id of the role that has them. */
function granted(of: SynthesisedStage = stage): readonly Granted[] {
  const documents = [
    ...of
      .ofType('AWS::IAM::Policy')
      .map(({ Properties }) => ({ role: nameOf(text(Properties.Roles[0])), document: Properties.PolicyDocument })),
    ...of
      .ofType('AWS::IAM::Role')
      .flatMap(({ id, Properties: { Policies = [] } }) =>
        Policies.map((policy: CfnResource['Properties']) => ({ role: nameOf(id), document: policy.PolicyDocument })),
      ),
  ];
  return documents.flatMap(({ role, document }) => statementsOf(document).map((statement) => ({ ...statement, role })));
}

/** `<OpenExecutionRole05499029>` → `OpenExecution`. */
function nameOf(ref: string): string {
  return ref
    .replace(/^<|>$/g, '')
    .replace(/[0-9A-F]{8}$/, '')
    .replace(/Role$/, '');
}

const allowed = (role: string) => granted().filter((statement) => statement.role === role);
const actionsOf = (role: string) => [...new Set(allowed(role).flatMap(({ Action }) => Action))].sort();
const without = (actions: readonly string[], ...prefixes: string[]) =>
  actions.filter((action) => !prefixes.some((prefix) => action.startsWith(prefix)));

describe('identity policies', () => {
  it('exist for every function, machine and role', () => {
    expect(granted().length).toBeGreaterThan(60);
  });

  it('only allow, and never by a wildcard action', () => {
    expect(granted().filter(({ Effect }) => Effect !== 'Allow')).toEqual([]);
    expect(
      granted().flatMap(({ role, Action }) => Action.filter((a) => a.includes('*')).map((a) => `${role}: ${a}`)),
    ).toEqual([]);
  });

  it('name a resource pattern only with a reason, which stands beside the grant', () => {
    const reasons = wildcardReasons(stage.app);
    expect(reasons.filter(({ reason }) => reason.length < 20)).toEqual([]);
    const wild = new Set(granted().flatMap(({ Resource }) => Resource.filter((resource) => resource.includes('*'))));
    const explained = new Set(reasons.map(({ resource }) => lastSegment(resource)));
    expect([...wild].filter((resource) => !explained.has(lastSegment(resource)))).toEqual([]);
  });

  it('use all resources only for actions that know none', () => {
    const everywhere = granted().filter(({ Resource }) => Resource.includes('*'));
    expect([...new Set(everywhere.flatMap(({ Action }) => Action))].sort()).toEqual([
      'dynamodb:ListStreams',
      'ecr:GetAuthorizationToken',
      'ecs:DescribeTasks',
      'ecs:ListTasks',
      'ecs:StopTask',
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    const tasks = everywhere.filter(({ Action }) => Action.includes('ecs:StopTask'));
    // Only runTask.sync of the machines; our functions name the cluster.
    expect(tasks.map(({ role }) => role).sort()).toEqual([
      'Workflowdataprocessor',
      'Workflowhello',
      'Workflowresearchagent',
      'Workflowresearchagentts',
    ]);
    const lists = everywhere.filter(({ Action }) => Action.includes('ecs:ListTasks'));
    expect(lists.map(({ role }) => role).sort()).toEqual(['EndExecution', 'FinishStep', 'Reconcile']);
    for (const { Condition } of lists) expect(JSON.stringify(Condition)).toContain('"ecs:cluster"');
  });

  it('reach a customer key only through the service that uses it, or for one state machine', () => {
    const keys = granted().filter(({ Action }) => Action.some((action) => action.startsWith('kms:')));
    expect(keys.length).toBeGreaterThan(10);
    const unbound = keys.filter(
      ({ Condition }) =>
        Condition?.StringEquals?.['kms:ViaService'] === undefined &&
        Condition?.StringEquals?.['kms:EncryptionContext:aws:states:stateMachineArn'] === undefined &&
        Condition?.StringEquals?.['kms:EncryptionContext:SourceArn'] === undefined,
    );
    expect(unbound).toEqual([]);
  });

  it('attach no managed policy but the one of API Gateway', () => {
    const attached = stage
      .ofType('AWS::IAM::Role')
      .flatMap(({ Properties }) => (Properties.ManagedPolicyArns ?? []).map(text));
    expect(attached).toEqual([
      'arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs',
    ]);
    expect(stage.ofType('AWS::IAM::User')).toEqual([]);
  });
});

describe('what each function may do, beside its log, trace and keys', () => {
  const own = (role: string) => without(actionsOf(role), 'xray:', 'kms:', 'logs:');
  const records = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];
  const lists = [...records, 'dynamodb:Query'];
  const blobs = ['s3:GetObject', 's3:ListBucket', 's3:PutObject'];

  it.each([
    ['OpenExecution', ['dynamodb:ConditionCheckItem', ...records, ...blobs]],
    ['PrepareStep', ['dynamodb:ConditionCheckItem', ...lists, ...blobs]],
    ['CloseExecution', [...lists, ...blobs]],
    ['RequestApproval', ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'states:SendTaskSuccess']],
    [
      'ResumeApproval',
      [
        'dynamodb:DeleteItem',
        'dynamodb:DescribeStream',
        'dynamodb:GetItem',
        'dynamodb:GetRecords',
        'dynamodb:GetShardIterator',
        'dynamodb:ListStreams',
        'dynamodb:UpdateItem',
        'sqs:SendMessage',
        'states:SendTaskSuccess',
      ],
    ],
    ['ExpireApproval', ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']],
    ['FinishStep', [...lists, 'ecs:DescribeTasks', 'ecs:ListTasks', 'ecs:StopTask', ...blobs]],
    ['InvokeStep', [...records, 'lambda:InvokeFunction', ...blobs]],
    ['ServeSandboxApi', [...records, 'ecs:DescribeTasks', ...blobs]],
    [
      'ServeControlApi',
      [
        ...lists,
        'dynamodb:BatchGetItem',
        'dynamodb:ConditionCheckItem',
        'dynamodb:DeleteItem',
        'lambda:InvokeFunction',
        's3:GetObject',
        's3:ListBucket',
        'states:DescribeExecution',
        'states:DescribeStateMachine',
        'states:StartExecution',
        'states:StopExecution',
      ],
    ],
    [
      'EndExecution',
      [
        ...lists,
        'ecs:DescribeTasks',
        'ecs:ListTasks',
        'ecs:StopTask',
        's3:GetObject',
        's3:ListBucket',
        's3:PutObject',
        'sqs:SendMessage',
        'states:DescribeExecution',
      ],
    ],
    [
      'RelayEvents',
      [
        'dynamodb:DescribeStream',
        'dynamodb:GetItem',
        'dynamodb:GetRecords',
        'dynamodb:GetShardIterator',
        'dynamodb:ListStreams',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
        'events:PutEvents',
        'sqs:SendMessage',
      ],
    ],
    [
      'Reconcile',
      [
        ...lists,
        'dynamodb:Scan',
        'ecs:DescribeTasks',
        'ecs:ListTasks',
        'ecs:StopTask',
        'events:PutEvents',
        'lambda:InvokeFunction',
        ...blobs,
        'secretsmanager:GetSecretValue',
        'states:DescribeExecution',
        'states:StopExecution',
      ],
    ],
    [
      'ServeGateway',
      [
        'bedrock:InvokeModel',
        'bedrock:InvokeModelWithResponseStream',
        'dynamodb:ConditionCheckItem',
        ...records,
        'secretsmanager:GetSecretValue',
        'states:StopExecution',
      ],
    ],
    ['BudgetAlertsTellBudgets', ['sns:Publish', 'sqs:SendMessage']],
    ['CopyCode', ['s3:GetObject', 's3:PutObject']],
    ['RegisterWorkflow', ['dynamodb:PutItem']],
    ['WorkflowdataprocessorStepexportrecords', ['dynamodb:Scan']],
    ['WorkflowdataprocessorStepdeleteoldrecords', ['dynamodb:DeleteItem']],
    ['WorkflowdataprocessorSetupseedrecords', ['dynamodb:BatchWriteItem']],
  ])('%s', (role, actions) => {
    expect(own(role)).toEqual([...actions].sort());
  });

  it('calls of functions are these: all step functions of the stage, and two of the platform', () => {
    const calls = granted().filter(({ Action }) => Action.some((action) => action.startsWith('lambda:')));
    const machines = calls.filter(({ role }) => role.startsWith('Workflow'));
    const others = calls.filter(({ role }) => !role.startsWith('Workflow'));
    expect(
      others.flatMap(({ role, Action, Resource }) =>
        Resource.map((resource) => `${role} ${Action.join()} ${resource.replace(/[0-9A-F]{8}/, '')}`),
      ),
    ).toEqual([
      'Reconcile lambda:InvokeFunction <ResumeApprovalFunction.Arn>',
      'ServeControlApi lambda:InvokeFunction <ReconcileFunction.Arn>',
      'InvokeStep lambda:InvokeFunction arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:wflo-dev-step-*',
    ]);
    // Machines start the handlers of their graph, and neither a step function nor who reads tokens.
    const called = machines.flatMap(({ Resource }) => Resource).join(' ');
    expect(called).toContain('RequestApproval');
    expect(called).not.toMatch(/ResumeApproval|Reconcile|ServeControlApi|Step(export|delete)/);
  });

  it('the waiting states of this stage are resumed by who writes tokens and who reads them, and by nobody else', () => {
    const states = granted().filter(({ Action }) => Action.some((action) => /^states:SendTask/.test(action)));
    expect(states.map(({ role, Action, Resource }) => [role, Action, Resource])).toEqual(
      ['RequestApproval', 'ResumeApproval'].map((role) => [
        role,
        ['states:SendTaskSuccess'],
        ['arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:wflo-dev-*'],
      ]),
    );
    for (const role of ['RequestApproval', 'ResumeApproval']) {
      // The output that a state is told is encrypted with the key of its machine.
      const key = allowed(role).filter(
        ({ Condition }) =>
          text(Condition?.StringEquals?.['kms:ViaService'] ?? '') === 'states.<AWS::Region>.amazonaws.com',
      );
      expect(key.map(({ Action }) => [...Action].sort())).toEqual([['kms:Decrypt', 'kms:GenerateDataKey']]);
    }
  });

  it('only copy-code writes code, only the sandbox API signs uploads and workspaces', () => {
    const holders = (action: string, prefix: string) =>
      granted()
        .filter(({ Action, Resource }) => Action.includes(action) && Resource.some((r) => r.endsWith(`/${prefix}/*`)))
        .map(({ role }) => role)
        .sort();
    const writers = (prefix: string) => holders('s3:PutObject', prefix);
    const OUTCOME_READERS = ['EndExecution', 'FinishStep', 'Reconcile', 'ServeSandboxApi'];
    expect(writers('workspaces')).toEqual(['ServeSandboxApi']);
    expect(holders('s3:GetObject', 'workspaces')).toEqual(OUTCOME_READERS);
    // An outcome that was uploaded and never told.
    expect(holders('s3:GetObject', 'uploads')).toEqual(OUTCOME_READERS);
    expect(writers('code')).toEqual(['CopyCode']);
    expect(writers('uploads')).toEqual(['ServeSandboxApi']);
    expect(granted().filter(({ Action }) => Action.some((action) => action.startsWith('s3:Delete')))).toEqual([]);
  });

  /** Functions with the item actions that they have on a table, indexes apart. */
  const onTable = (name: string) => {
    const holders = granted().flatMap(({ role, Action, Resource }) =>
      Resource.some((resource) => new RegExp(`(FnGetAtt|<)${name}[0-9A-F]{8}(\\.)?Arn`).test(resource))
        ? Action.map((action) => [role, action] as const)
        : [],
    );
    const roles = [...new Set(holders.map(([role]) => role))].sort();
    return Object.fromEntries(
      roles.map((role) => [
        role,
        holders.flatMap(([other, action]) => (other === role ? [action.replace('dynamodb:', '')] : [])).sort(),
      ]),
    );
  };

  it('tokens are written by one function, which cannot read them, and read by one, which cannot write them', () => {
    expect(onTable('Tokens')).toEqual({
      RequestApproval: ['PutItem'],
      ResumeApproval: ['DeleteItem', 'GetItem'],
    });
  });

  it('people are changed by the control API, and read by who decides whether somebody may approve', () => {
    expect(onTable('People')).toEqual({
      InvokeStep: ['GetItem'],
      OpenExecution: ['GetItem'],
      // For the names of all tenants.
      Reconcile: ['Scan'],
      ServeControlApi: ['DeleteItem', 'GetItem', 'PutItem', 'Query'],
      ServeSandboxApi: ['GetItem'],
    });
  });

  it('keys of providers are read by the gateway alone, and admin keys of their usage reports by reconcile alone', () => {
    const readers = granted()
      .filter(({ Action }) => Action.some((action) => action.startsWith('secretsmanager:')))
      .map(({ role, Action, Resource }) => `${role} ${Action.join()} ${Resource.join()}`)
      .sort();
    expect(readers).toEqual([
      expect.stringMatching(/^Reconcile secretsmanager:GetSecretValue [^,]*:secret:wflo\/dev\/usage\/\*$/),
      expect.stringMatching(/^ServeGateway secretsmanager:GetSecretValue [^,]*:secret:wflo\/dev\/providers\/\*$/),
    ]);
  });

  it('money is reserved and settled by who needs it, and whoever tells of budgets changes none', () => {
    const ledger = onTable('Ledger');
    expect(ledger.WatchBudgets).toEqual(['PutItem']);
    expect(ledger.BudgetAlertsTellBudgets).toBeUndefined();
    const reserves = Object.keys(ledger).filter((role) => ledger[role]?.includes('ConditionCheckItem'));
    expect(reserves).toEqual(['OpenExecution', 'PrepareStep', 'ServeControlApi', 'ServeGateway']);
    // Holds of all executions are looked through by who closes them, and by who lists them for a person.
    const browse = granted()
      .filter(({ Resource }) => Resource.some((name) => /Ledger.*\/index\/byHold$/.test(name)))
      .map(({ role }) => role);
    expect(browse.sort()).toEqual(['Reconcile', 'ServeControlApi']);
    const lookUp = granted()
      .filter(({ Resource }) => Resource.some((name) => /Ledger.*\/index\/byRecord$/.test(name)))
      .map(({ role }) => role);
    expect(lookUp).toEqual(['Reconcile']);
  });

  it('the log of Bedrock is read by nobody, or by reconcile where a setting names it, and then it alone', async () => {
    const readers = (of: SynthesisedStage) =>
      granted(of)
        .filter(({ Action, Resource }) => [...Action, ...Resource].some((name) => name.includes('FilterLogEvents')))
        .map(({ role, Action, Resource }) => `${role} ${Action.join()} ${Resource.join()}`)
        .sort();
    const reading = await synthesiseStage({ 'wflo:bedrock-log-group': '/bedrock/calls' });
    const before = readers(stage);
    expect(before).toEqual([expect.stringMatching(/^ServeControlApi logs:FilterLogEvents /)]);
    expect(readers(reading).filter((reader) => !before.includes(reader))).toEqual([
      expect.stringMatching(/^Reconcile logs:FilterLogEvents .*:log-group:\/bedrock\/calls:\*$/),
    ]);
    const group = (of: SynthesisedStage) =>
      of
        .ofType('AWS::Lambda::Function')
        .flatMap(({ Properties }) => Properties.Environment?.Variables?.BEDROCK_LOG_GROUP ?? []);
    expect(group(stage)).toEqual([]);
    expect(group(reading)).toEqual(['/bedrock/calls']);
  });

  it('whoever writes events puts them, and only the relay and reconcile mark them', () => {
    const events = onTable('Events');
    const writers = (action: string) => Object.keys(events).filter((role) => events[role]?.includes(action));
    expect(writers('PutItem')).toEqual([
      'CloseExecution',
      'EndExecution',
      'ExpireApproval',
      'FinishStep',
      'InvokeStep',
      'OpenExecution',
      'PrepareStep',
      'Reconcile',
      'ServeControlApi',
      'ServeGateway',
      'ServeSandboxApi',
      'WatchBudgets',
    ]);
    expect(writers('UpdateItem')).toEqual(['Reconcile', 'RelayEvents']);
    expect(events).not.toHaveProperty('RequestApproval');
    expect(events).not.toHaveProperty('ResumeApproval');
  });

  it('nobody deletes records or chains: only tokens that were used, and identities that are no longer somebody', () => {
    const deletes = granted().filter(({ Action }) => Action.some((a) => /dynamodb:(Delete|BatchWrite)/.test(a)));
    expect(
      deletes.map(({ role, Resource }) => [role, Resource.map((resource) => resource.replace(/[0-9A-F]{8}.*$/, ''))]),
    ).toEqual([
      ['ResumeApproval', ['<FnGetAttTokens']],
      ['ServeControlApi', ['<FnGetAttPeople']],
      ['WorkflowdataprocessorSetupseedrecords', ['<WorkflowdataprocessorResourcesRecords']],
      ['WorkflowdataprocessorStepdeleteoldrecords', ['<WorkflowdataprocessorResourcesRecords']],
    ]);
  });

  it('only the relay and reconcile write the chain', () => {
    const writers = granted().filter(
      ({ Action, Resource }) =>
        Action.includes('dynamodb:PutItem') && Resource.some((resource) => resource.includes('Audit')),
    );
    expect([...new Set(writers.map(({ role }) => role))].sort()).toEqual(['Reconcile', 'RelayEvents']);
    // Records of a chain are put and never changed, but its head, which is put anew.
    expect(onTable('Audit')).toEqual({
      Reconcile: ['GetItem', 'PutItem', 'Query'],
      RelayEvents: ['GetItem', 'PutItem', 'Query'],
      ServeControlApi: ['Query'],
    });
  });

  it('only who lists the records of an execution may query them, and only prepare-step and the gateway check without changing', () => {
    const state = onTable('State');
    const holders = (action: string) => Object.keys(state).filter((role) => state[role]?.includes(action));
    expect(holders('Query')).toEqual(['CloseExecution', 'EndExecution', 'PrepareStep', 'Reconcile', 'ServeControlApi']);
    expect(holders('ConditionCheckItem')).toEqual(['PrepareStep', 'ServeGateway']);
  });
});

describe('the role of a state machine', () => {
  const hello = () => allowed('Workflowhello');
  const withAction = (action: string) => hello().filter(({ Action }) => Action.includes(action));

  it('runs every revision of its families, and no other task', () => {
    expect(withAction('ecs:RunTask').flatMap(({ Resource }) => Resource)).toEqual([
      'arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task-definition/wflo-dev-python-256-512:*',
    ]);
  });

  it('passes the execution role to ECS only', () => {
    const [pass] = withAction('iam:PassRole');
    expect(pass?.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
    expect(pass?.Resource).toHaveLength(1);
    expect(pass?.Resource[0]).toContain('ExecutionRole');
  });

  it('may make the rule by which runTask.sync hears of the end of a task, in its own account and region', () => {
    const [rule] = withAction('events:PutRule');
    expect([...(rule?.Action ?? [])].sort()).toEqual(['events:DescribeRule', 'events:PutRule', 'events:PutTargets']);
    expect(rule?.Resource).toEqual([
      'arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/StepFunctionsGetEventsForECSTaskRule',
    ]);
  });

  it('uses the data key for itself only', () => {
    const [own] = withAction('kms:Decrypt');
    expect(text(own?.Condition.StringEquals['kms:EncryptionContext:aws:states:stateMachineArn'])).toBe(
      'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:wflo-dev-hello',
    );
  });

  it('is assumed by that machine only', () => {
    const [role] = stage.ofType('AWS::IAM::Role').filter(({ id }) => id.startsWith('WorkflowhelloRole'));
    const [trust] = statementsOf(role?.Properties.AssumeRolePolicyDocument);
    expect(trust?.Principal).toEqual({ Service: 'states.amazonaws.com' });
    expect(text(trust?.Condition.ArnEquals['aws:SourceArn'])).toContain(':stateMachine:wflo-dev-hello');
  });
});

describe('the AwsSolutions rules', () => {
  it.each([
    ['private', {}],
    ['open', { 'wflo:network': 'open' }],
    [
      'another stage with one zone on ARM',
      { 'wflo:stage': 'prod', 'wflo:availability-zones': 1, 'wflo:architecture': 'ARM64' },
    ],
  ])('find nothing that has no reason: %s', async (_mode, context) => {
    const { app } = await synthesiseStage(context);
    const report = new ReasonedChecks(app).validate({ appConstruct: app } as never);
    expect(
      report.violations.map(({ ruleName, violatingResources }) => `${ruleName} ${JSON.stringify(violatingResources)}`),
    ).toEqual([]);
  });

  it('would find a wildcard without a reason', async () => {
    const { app, stacks } = await synthesiseStage();
    stacks.platform.openExecution.allow(['s3:GetObject'], ['arn:aws:s3:::somewhere/*']);
    const report = new ReasonedChecks(app).validate({ appConstruct: app } as never);
    expect(report.violations.map(({ ruleName }) => ruleName)).toEqual([
      'AwsSolutions-IAM5[Resource::arn:aws:s3:::somewhere/*]',
    ]);
  });
});

/** What follows the last reference of a resource: cdk-nag and `text` spell references differently. */
function lastSegment(resource: string): string {
  const tail = resource.replace(/^.*(>|:ExportsOutput\w+)/, '');
  return tail === '' ? resource : tail;
}
