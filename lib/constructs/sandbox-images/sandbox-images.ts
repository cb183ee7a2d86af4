import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { Construct } from 'constructs';
import { WfloError } from '../../errors.ts';
import type { Deployment } from '../deployment/deployment.ts';

/** Repository of images that are named, not built: `wflo/<image>:local`. */
const NAMED_REPOSITORY = 'wflo';

export interface SandboxImagesProps {
  readonly deployment: Deployment;
  /** Docker build contexts by image name, as `buildSandboxContext` lays them out; empty when images are named. */
  readonly contexts: Readonly<Record<string, string>>;
}

/** The images that steps can name. Each is built once, on the first step that names it. */
export class SandboxImages extends Construct {
  private readonly props: SandboxImagesProps;

  constructor(scope: Construct, id: string, props: SandboxImagesProps) {
    super(scope, id);
    this.props = props;
  }

  /** Image reference for a task definition: pinned by a content-hash tag in a repository with immutable tags. */
  uri(image: string): string {
    if (this.props.deployment.images === 'named') return `${NAMED_REPOSITORY}/${image}:local`;
    const directory = this.props.contexts[image];
    // `checkImages` has told the author; this holds for whoever calls it otherwise.
    if (directory === undefined) throw new WfloError('unknown_image', `no image is called "${image}"`);
    const existing = this.node.tryFindChild(image);
    if (existing instanceof DockerImageAsset) return existing.imageUri;
    const platform = this.props.deployment.architecture === 'ARM64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;
    return new DockerImageAsset(this, image, { directory: join(directory), platform, assetName: `wflo-${image}` })
      .imageUri;
  }
}

/** ARNs of the repositories that the images come from: the only ones that a sandbox's network and role can pull from. */
export function imageRepositoryArns(stack: Stack, deployment: Deployment): string[] {
  if (deployment.images === 'named') {
    return [stack.formatArn({ service: 'ecr', resource: 'repository', resourceName: `${NAMED_REPOSITORY}/*` })];
  }
  // Where `cdk bootstrap` puts image assets. Its tags are immutable, so a task definition revision pins its image.
  const qualifier = stack.node.tryGetContext('@aws-cdk/core:bootstrapQualifier') ?? 'hnb659fds';
  const name = `cdk-${qualifier}-container-assets-${stack.account}-${stack.region}`;
  return [stack.formatArn({ service: 'ecr', resource: 'repository', resourceName: name })];
}
