import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { SANDBOX_CONTAINER } from '../../sandbox/protocol.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { SandboxImages } from '../sandbox-images/sandbox-images.ts';

/**
 * Docker's default capabilities without those that the runner needs: CHOWN (hands the workspace to the agent), SETUID,
 * SETGID and SETPCAP (become the agent, with nothing left), KILL (end it). On Fargate a task can only drop.
 */
export const DROPPED_CAPABILITIES = [
  'AUDIT_WRITE',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SYS_CHROOT',
] as const;

/** Of every process in the container; the runner sets the agent's own below them. */
export const ULIMITS = [
  { name: 'nofile', limit: 4096 },
  { name: 'nproc', limit: 512 },
] as const;

/**
 * Beside what RunTask adds. An image may set variables and a user of its own; what decides how the runner is loaded,
 * and as whom it runs, is not the image's to say.
 */
export const ENVIRONMENT = {
  WFLO_ROOT: '/workspace',
  WFLO_AGENT_UID: '1000',
  NODE_OPTIONS: '',
  LD_PRELOAD: '',
  LD_AUDIT: '',
  LD_LIBRARY_PATH: '',
} as const;
export const RUNNER_USER = '0:0';

/** Seconds between SIGTERM and SIGKILL: the runner ends the agent and completes. */
const STOP_SECONDS = 60;

export interface SandboxSize {
  readonly image: string;
  /** In vCPU. */
  readonly cpu: number;
  readonly memoryMib: number;
}

export interface SandboxTasksProps {
  readonly deployment: Deployment;
  readonly images: SandboxImages;
  readonly executionRole: IRole;
}

/** Task definitions of sandboxes: one family per image and size, shared by all steps that name them. */
export class SandboxTasks extends Construct {
  private readonly props: SandboxTasksProps;

  constructor(scope: Construct, id: string, props: SandboxTasksProps) {
    super(scope, id);
    this.props = props;
  }

  /** The revision to run, and the family with all revisions: those of open executions must stay startable. */
  of(size: SandboxSize): { readonly revisionArn: string; readonly familyArn: string } {
    const { stage } = this.props.deployment;
    const family = `wflo-${stage}-${size.image}-${cpuUnits(size)}-${size.memoryMib}`;
    const existing = this.node.tryFindChild(family);
    const definition = existing instanceof CfnTaskDefinition ? existing : this.make(family, size);
    return {
      revisionArn: definition.ref,
      familyArn: Stack.of(this).formatArn({ service: 'ecs', resource: 'task-definition', resourceName: `${family}:*` }),
    };
  }

  private make(family: string, size: SandboxSize): CfnTaskDefinition {
    const { deployment, images, executionRole } = this.props;
    const definition = new CfnTaskDefinition(this, family, {
      family,
      cpu: String(cpuUnits(size)),
      memory: String(size.memoryMib),
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      runtimePlatform: { cpuArchitecture: deployment.architecture, operatingSystemFamily: 'LINUX' },
      executionRoleArn: executionRole.roleArn,
      // No task role: there are no credentials in a sandbox. No `ephemeralStorage`: 20 GiB are included.
      volumes: [{ name: 'workspace' }, { name: 'tmp' }],
      containerDefinitions: [
        {
          name: SANDBOX_CONTAINER,
          image: images.uri(size.image),
          essential: true,
          readonlyRootFilesystem: true,
          mountPoints: [
            { sourceVolume: 'workspace', containerPath: '/workspace', readOnly: false },
            { sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false },
          ],
          user: RUNNER_USER,
          environment: Object.entries(ENVIRONMENT).map(([name, value]) => ({ name, value })),
          linuxParameters: {
            capabilities: { drop: [...DROPPED_CAPABILITIES] },
            // A small init is PID 1 and takes in the processes that lose their parent, which Node cannot.
            initProcessEnabled: true,
          },
          ulimits: ULIMITS.map(({ name, limit }) => ({ name, softLimit: limit, hardLimit: limit })),
          stopTimeout: STOP_SECONDS,
        },
      ],
    });
    // In `dev` too: a revision costs nothing, and CloudFormation would deregister what an open execution still starts.
    definition.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    Validations.of(definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason:
        'a folder, a user id and what an image may not set; nothing secret is ever in the environment of a sandbox',
    });
    Validations.of(definition).acknowledge({
      id: 'AwsSolutions-ECS7',
      reason: 'the runner sends output through the sandbox API, so a sandbox needs no way to CloudWatch Logs',
    });
    return definition;
  }
}

function cpuUnits({ cpu }: SandboxSize): number {
  return cpu * 1024;
}
