import { beforeAll, describe, expect, it } from 'vitest';
import { SANDBOX_CONTAINER } from '../../lib/sandbox/protocol.ts';
import { type SynthesisedStage, statementsOf, synthesiseStage, text } from '../_helpers/synthesised-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  stage = await synthesiseStage({ 'wflo:images': 'assets' });
});

const definitions = (from = stage) => from.ofType('AWS::ECS::TaskDefinition');
const containers = () => definitions().flatMap(({ Properties }) => Properties.ContainerDefinitions);

describe('task definitions of sandboxes', () => {
  it('are one family per image and size, shared by steps', () => {
    expect(
      definitions()
        .map(({ Properties }) => Properties.Family)
        .sort(),
    ).toEqual([
      'wflo-dev-node-256-512',
      'wflo-dev-node-512-1024',
      'wflo-dev-python-256-512',
      'wflo-dev-python-512-1024',
    ]);
  });

  it('have no task role: there are no credentials in a sandbox', () => {
    for (const { Properties } of definitions()) {
      expect(Properties.TaskRoleArn).toBeUndefined();
      expect(text(Properties.ExecutionRoleArn)).toContain('ExecutionRole');
    }
  });

  it('have one container, with a read-only root and two writable folders', () => {
    for (const { Properties } of definitions()) expect(Properties.ContainerDefinitions).toHaveLength(1);
    for (const container of containers()) {
      expect(container.Name).toBe(SANDBOX_CONTAINER);
      expect(container.ReadonlyRootFilesystem).toBe(true);
      expect(container.Privileged).toBeUndefined();
      expect(container.MountPoints.map(({ ContainerPath }: { ContainerPath: string }) => ContainerPath)).toEqual([
        '/workspace',
        '/tmp',
      ]);
    }
    for (const { Properties } of definitions()) {
      // Scratch volumes of the task: no host path, no file system of anybody else.
      expect(Properties.Volumes).toEqual([{ Name: 'workspace' }, { Name: 'tmp' }]);
    }
  });

  it('keep only the capabilities that the runner needs', () => {
    // What Docker gives a container by itself.
    const dockers = [
      'AUDIT_WRITE',
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
      'KILL',
      'MKNOD',
      'NET_BIND_SERVICE',
      'NET_RAW',
      'SETFCAP',
      'SETGID',
      'SETPCAP',
      'SETUID',
      'SYS_CHROOT',
    ];
    for (const { LinuxParameters } of containers()) {
      expect(LinuxParameters.Capabilities.Add).toBeUndefined();
      const kept = dockers.filter((capability) => !LinuxParameters.Capabilities.Drop.includes(capability));
      expect(kept).toEqual(['CHOWN', 'KILL', 'SETGID', 'SETPCAP', 'SETUID']);
    }
  });

  it('have an init as PID 1, and bounds on files and processes', () => {
    for (const { LinuxParameters, Ulimits } of containers()) {
      expect(LinuxParameters.InitProcessEnabled).toBe(true);
      expect(Ulimits).toEqual([
        { Name: 'nofile', SoftLimit: 4096, HardLimit: 4096 },
        { Name: 'nproc', SoftLimit: 512, HardLimit: 512 },
      ]);
    }
  });

  // Whatever is not listed here is not set: a property more is a decision more.
  it('say nothing else', () => {
    for (const { Properties } of definitions()) {
      expect(Object.keys(Properties).sort()).toEqual([
        'ContainerDefinitions',
        'Cpu',
        'ExecutionRoleArn',
        'Family',
        'Memory',
        'NetworkMode',
        'RequiresCompatibilities',
        'RuntimePlatform',
        'Tags',
        'Volumes',
      ]);
      const [, cpu, memory] = /-(\d+)-(\d+)$/.exec(Properties.Family) ?? [];
      expect(Properties).toMatchObject({
        Cpu: cpu,
        Memory: memory,
        NetworkMode: 'awsvpc',
        RequiresCompatibilities: ['FARGATE'],
        RuntimePlatform: { OperatingSystemFamily: 'LINUX' },
      });
    }
    for (const container of containers()) {
      expect(Object.keys(container).sort()).toEqual([
        'Environment',
        'Essential',
        'Image',
        'LinuxParameters',
        'MountPoints',
        'Name',
        'ReadonlyRootFilesystem',
        'StopTimeout',
        'Ulimits',
        'User',
      ]);
      expect(Object.keys(container.LinuxParameters).sort()).toEqual(['Capabilities', 'InitProcessEnabled']);
      expect(container.StopTimeout).toBe(60);
    }
  });

  it.each([
    'TaskRoleArn',
    'PidMode',
    'IpcMode',
    'EphemeralStorage',
    'InferenceAccelerators',
    'PlacementConstraints',
    'ProxyConfiguration',
  ])('have no %s', (property) => {
    for (const { Properties } of definitions()) expect(Properties[property]).toBeUndefined();
  });

  it.each([
    'Privileged',
    'Secrets',
    'LogConfiguration',
    'FirelensConfiguration',
    'PortMappings',
    'EnvironmentFiles',
    'RepositoryCredentials',
    'DockerSecurityOptions',
    'ExtraHosts',
    'DnsServers',
    'VolumesFrom',
    'EntryPoint',
    'Command',
    'HealthCheck',
    'Interactive',
    'PseudoTerminal',
    'ResourceRequirements',
  ])('have a container without %s', (property) => {
    for (const container of containers()) expect(container[property]).toBeUndefined();
  });

  it('can be entered by nobody: ECS Exec is set nowhere', () => {
    for (const { Properties } of stage.ofType('AWS::ECS::Cluster')) {
      expect(Properties.Configuration?.ExecuteCommandConfiguration).toBeUndefined();
    }
    const ssm = stage
      .ofType('AWS::IAM::Policy')
      .flatMap(({ Properties }) => statementsOf(Properties.PolicyDocument))
      .filter(({ Action }) => Action.some((action) => /^(ssmmessages:|ecs:ExecuteCommand)/.test(action)));
    expect(ssm).toEqual([]);
    expect(stage.ofType('AWS::ECS::Service')).toEqual([]);
  });

  it('carry no secret, no log driver and no way in', () => {
    for (const container of containers()) {
      expect(container.Environment.slice(0, 2)).toEqual([
        { Name: 'WFLO_ROOT', Value: '/workspace' },
        { Name: 'WFLO_AGENT_UID', Value: '1000' },
      ]);
    }
  });

  it('say themselves as whom and with which libraries the runner starts, whatever their image says', () => {
    for (const container of containers()) {
      expect(container.User).toBe('0:0');
      expect(container.Environment.slice(2)).toEqual(
        ['NODE_OPTIONS', 'LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH'].map((Name) => ({ Name, Value: '' })),
      );
    }
  });

  it('name images by content hash in the repository with immutable tags', () => {
    for (const { Image } of containers()) {
      expect(JSON.stringify(Image)).toMatch(/cdk-hnb659fds-container-assets-.*:[0-9a-f]{64}"/);
    }
  });

  it('keep old revisions when they are replaced', () => {
    for (const { UpdateReplacePolicy } of definitions()) expect(UpdateReplacePolicy).toBe('Retain');
    const [role] = stage.ofType('AWS::IAM::Role').filter(({ id }) => id.includes('ExecutionRole'));
    expect(role?.UpdateReplacePolicy).toBe('Retain');
  });

  it('run on the architecture of the deployment', async () => {
    const arm = await synthesiseStage({ 'wflo:architecture': 'ARM64' });
    const architecture = (from: SynthesisedStage) =>
      new Set(definitions(from).map(({ Properties }) => Properties.RuntimePlatform.CpuArchitecture));
    expect([architecture(stage), architecture(arm)]).toEqual([new Set(['X86_64']), new Set(['ARM64'])]);
  });
});

describe('the execution role', () => {
  it('is for tasks of this account, and pulls from our repository only', () => {
    const [role] = stage.ofType('AWS::IAM::Role').filter(({ id }) => id.includes('ExecutionRole'));
    const [trust] = statementsOf(role?.Properties.AssumeRolePolicyDocument);
    expect(trust?.Principal).toEqual({ Service: 'ecs-tasks.amazonaws.com' });
    expect(text(trust?.Condition.StringEquals['aws:SourceAccount'])).toBe('<AWS::AccountId>');
    const [policy] = stage.ofType('AWS::IAM::Policy').filter(({ id }) => id.includes('ExecutionRole'));
    expect(statementsOf(policy?.Properties.PolicyDocument).map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [
        ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        [
          'arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>',
        ],
      ],
      [['ecr:GetAuthorizationToken'], ['*']],
    ]);
  });
});

describe('an image of the project', () => {
  // Any folder of this repository with a Dockerfile.
  const context = { 'wflo:sandbox-images': { report: './sandbox-images/python' } };

  it('is built and pinned like ours', async () => {
    const { stacks } = await synthesiseStage({ ...context, 'wflo:images': 'assets' });
    expect(stacks.workflows.resolve(stacks.workflows.images.uri('report'))).toEqual({
      'Fn::Sub': expect.stringMatching(/container-assets-.*:[0-9a-f]{64}$/),
    });
  });

  it('is named like ours where nothing is built', async () => {
    const { stacks } = await synthesiseStage(context);
    expect(stacks.workflows.images.uri('report')).toBe('wflo/report:local');
  });
});

describe('an image that the deployment does not have', () => {
  it('fails the synthesis by its name', () => {
    expect(() => stage.stacks.workflows.images.uri('ruby')).toThrow(
      expect.objectContaining({ code: 'unknown_image', message: expect.stringContaining('"ruby"') }),
    );
  });
});
