import { beforeAll, describe, expect, it } from 'vitest';
import { placeholdersOf } from '../../lib/constructs/agent-workflow/placeholders.ts';
import { loadWorkflows } from '../../lib/project/workflows.ts';
import { type CfnResource, type SynthesisedStage, synthesiseStage, text } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage();
});

const machines = () => stage.ofType('AWS::StepFunctions::StateMachine');
const machine = (name: string): CfnResource => {
  const found = machines().find(({ Properties }) => Properties.StateMachineName === name);
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
};

describe('state machines', () => {
  it('are one per folder of state-machines, by name', () => {
    expect(
      machines()
        .map(({ Properties }) => Properties.StateMachineName)
        .sort(),
    ).toEqual(['wflo-dev-data-processor', 'wflo-dev-hello', 'wflo-dev-research-agent', 'wflo-dev-research-agent-ts']);
  });

  it('are encrypted with the data key, traced, and log errors without data', () => {
    for (const { Properties } of machines()) {
      expect(Properties.StateMachineType).toBe('STANDARD');
      expect(Properties.EncryptionConfiguration).toMatchObject({ Type: 'CUSTOMER_MANAGED_KMS_KEY' });
      expect(text(Properties.EncryptionConfiguration.KmsKeyId)).toContain('DataKey');
      expect(Properties.TracingConfiguration).toEqual({ Enabled: true });
      expect(Properties.LoggingConfiguration).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
    }
    const groups = stage.ofType('AWS::Logs::LogGroup').map(({ Properties }) => Properties.LogGroupName);
    expect(groups).toContain('/aws/vendedlogs/states/wflo-dev-hello');
  });

  it('get their definition from S3, with a value for every placeholder and none besides', async () => {
    for (const { name, compiled } of await loadWorkflows(process.cwd())) {
      const { Properties } = machine(`wflo-dev-${name}`);
      expect(Properties.DefinitionString).toBeUndefined();
      expect(Properties.DefinitionS3Location.Key).toMatch(/^[0-9a-f]{64}\.json$/);
      expect(Object.keys(Properties.DefinitionSubstitutions).sort()).toEqual(placeholdersOf(compiled.aslText));
      expect(Properties.DefinitionSubstitutions.DefinitionHash).toBe(compiled.definitionHash);
    }
  });

  it('run a revision of a task definition, a version of a function and code by its hash', () => {
    const { DefinitionSubstitutions: values } = machine('wflo-dev-data-processor').Properties;
    const refs = ['TaskDefinition_plan_cleanup', 'Function_export_records'].map((name) => values[name].Ref);
    const types = refs.map((ref) => stage.resources.find(({ id }) => id === ref)?.Type);
    expect(types).toEqual(['AWS::ECS::TaskDefinition', 'AWS::Lambda::Version']);
    expect(values.CodeSha256_plan_cleanup).toMatch(/^[0-9a-f]{64}$/);
    expect(values.CodeSha256_write_report).toBe(values.CodeSha256_plan_cleanup);
  });

  it('start only when their code is copied and their role has its policy', () => {
    const { DependsOn, Properties } = machine('wflo-dev-hello');
    const types = (DependsOn ?? []).map((id) => stage.resources.find((resource) => resource.id === id)?.Type);
    expect(new Set(types)).toEqual(new Set(['AWS::IAM::Role', 'Custom::CodeCopy']));
    const copy = stage.ofType('Custom::CodeCopy').map((resource) => resource.Properties.Sha256);
    expect(copy).toContain(Properties.DefinitionSubstitutions.CodeSha256_greet);
  });

  it('put sandboxes into the network without a public address', async () => {
    const open = await synthesiseStage({ 'wflo:network': 'open' });
    const values = (from: SynthesisedStage) =>
      from.ofType('AWS::StepFunctions::StateMachine')[0]?.Properties.DefinitionSubstitutions;
    expect(values(stage).AssignPublicIp).toBe('DISABLED');
    expect(values(open).AssignPublicIp).toBe('ENABLED');
    expect(text(values(stage).SandboxSubnets).split(',')).toHaveLength(2);
  });

  it('are told to clients by a parameter each', () => {
    const parameters = stage
      .ofType('AWS::SSM::Parameter')
      .map(({ Properties }) => Properties.Name)
      .sort();
    expect(parameters).toEqual([
      '/wflo/dev/control-api-url',
      '/wflo/dev/network-mode',
      '/wflo/dev/sandbox-cluster',
      '/wflo/dev/workflows/data-processor',
      '/wflo/dev/workflows/hello',
      '/wflo/dev/workflows/research-agent',
      '/wflo/dev/workflows/research-agent-ts',
    ]);
  });
});

describe('what open executions name', () => {
  const kept = ({ DeletionPolicy, UpdateReplacePolicy }: CfnResource) => [DeletionPolicy, UpdateReplacePolicy];

  it('stays in every stage: versions of step functions, copied code and revisions of sandboxes', () => {
    const versions = stage.ofType('AWS::Lambda::Version');
    expect(versions).toHaveLength(2);
    for (const resource of [...versions, ...stage.ofType('Custom::CodeCopy')]) {
      expect(kept(resource), resource.id).toEqual(['Retain', 'Retain']);
    }
    const revisions = stage.ofType('AWS::ECS::TaskDefinition');
    expect(revisions.length).toBeGreaterThan(0);
    for (const resource of revisions) expect(kept(resource), resource.id).toEqual(['RetainExceptOnCreate', 'Retain']);
  });

  const retainedRoles = (of: SynthesisedStage) =>
    of.ofType('AWS::IAM::Role').filter(({ Properties }) => text(Properties.Path ?? '').includes('/workflows/'));

  it('has roles of its own, which are replaced and not changed', () => {
    const roles = retainedRoles(stage);
    expect(roles.map(({ id }) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual([
      'WorkflowdataprocessorRole',
      'WorkflowdataprocessorStepdeleteoldrecordsRole',
      'WorkflowdataprocessorStepexportrecordsRole',
      'WorkflowhelloRole',
      'WorkflowresearchagentRole',
      'WorkflowresearchagenttsRole',
    ]);
    for (const role of roles) {
      expect(role.Properties.Path).toMatch(/^\/wflo\/dev\/workflows\/[0-9a-f]{12}\/$/);
      expect(role.UpdateReplacePolicy).toBe('Retain');
      // A policy beside the role would be changed in place.
      const beside = stage
        .ofType('AWS::IAM::Policy')
        .filter(({ Properties }) => text(Properties.Roles[0]).includes(role.id));
      expect(beside).toEqual([]);
    }
    const paths = roles.map(({ Properties }) => Properties.Path);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('is published anew with another role: the description of a step function names its policy', () => {
    const functions = stage
      .ofType('AWS::Lambda::Function')
      .filter(({ Properties }) => /-step-/.test(Properties.FunctionName));
    expect(functions).toHaveLength(2);
    for (const { Properties } of functions) {
      const role = stage.resources.find(({ id }) => id === Properties.Role['Fn::GetAtt'][0]);
      const [, hash] = / under policy ([0-9a-f]{12})$/.exec(Properties.Description) ?? [];
      expect(role?.Properties.Path).toContain(`/${hash}/`);
    }
  });

  it('stays outside dev when its workflow or step is gone: machine, functions, roles and logs', async () => {
    const prod = await synthesiseStage({ 'wflo:stage': 'prod' });
    const named = [
      ...prod.ofType('AWS::StepFunctions::StateMachine'),
      ...prod.ofType('AWS::Lambda::Function').filter(({ Properties }) => /-step-/.test(Properties.FunctionName)),
      ...retainedRoles(prod),
      ...prod.ofType('AWS::Logs::LogGroup').filter(({ stack }) => stack === 'workflows'),
    ];
    expect(named.length).toBeGreaterThan(8);
    for (const resource of named) expect(kept(resource), resource.id).toEqual(['RetainExceptOnCreate', 'Retain']);
    // A workflow that is gone cannot be started: its parameter goes, and its registration is told of it.
    const going = [...prod.ofType('AWS::SSM::Parameter'), ...prod.ofType('Custom::WorkflowRegistration')];
    for (const resource of going) expect(['Delete', undefined], resource.id).toContain(resource.DeletionPolicy);
    expect(prod.ofType('Custom::WorkflowRegistration')).toHaveLength(4);
  });
});
