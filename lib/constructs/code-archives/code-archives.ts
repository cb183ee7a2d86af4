import { join } from 'node:path';
import { Annotations, CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { makeCodeArchive } from '../../project/code-archive.ts';
import { dependenciesOf, VENDOR, VENDOR_STAMP } from '../../project/dependencies.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

export interface CodeArchivesProps {
  readonly deployment: Deployment;
  /** `copy-code`, bound to the artefact bucket for writing below `code/`. */
  readonly copier: PlatformFunction;
  /** Where archives are made. */
  readonly outDir: string;
}

/** Agent code in the artefact bucket, by its hash. Steps with the same code share one object. */
export class CodeArchives extends Construct {
  private readonly props: CodeArchivesProps;
  private readonly copies = new Map<string, CustomResource>();

  constructor(scope: Construct, id: string, props: CodeArchivesProps) {
    super(scope, id);
    this.props = props;
  }

  /** Packs a folder and has it copied at deployment, before whatever depends on `copy`. */
  add(folder: string): { readonly sha256: string; readonly copy: CustomResource } {
    const { file, sha256 } = makeCodeArchive(folder, this.props.outDir, this.omitted(folder));
    const existing = this.copies.get(sha256);
    if (existing !== undefined) return { sha256, copy: existing };

    const asset = new Asset(this, `Asset-${sha256}`, { path: file, assetHash: sha256 });
    const { partition } = Stack.of(this);
    this.props.copier.allow(['s3:GetObject'], [`arn:${partition}:s3:::${asset.s3BucketName}/${asset.s3ObjectKey}`]);
    const copy = new CustomResource(this, `Copy-${sha256}`, {
      resourceType: 'Custom::CodeCopy',
      serviceToken: this.props.copier.functionArn,
      serviceTimeout: Duration.minutes(5),
      properties: { SourceBucket: asset.s3BucketName, SourceKey: asset.s3ObjectKey, Sha256: sha256 },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Its policy names this object, so it must be there before the call.
    copy.node.addDependency(this.props.copier.role);
    this.copies.set(sha256, copy);
    return { sha256, copy };
  }

  /**
   * Packages beside the code that are not what its requirements name stay out: such an agent ends at its first import,
   * not with another version. What only this machine's Python needs goes to the local AWS alone.
   */
  private omitted(folder: string): (path: string) => boolean {
    const { architecture, endpoint } = this.props.deployment;
    const found = dependenciesOf(folder, architecture);
    if (found.state === 'none') return () => false;
    if (found.state === 'missing') {
      Annotations.of(this).addWarningV2(
        'wflo:dependencies',
        `the packages of ${join(folder, 'requirements.txt')} are not installed: \`wflo deploy\` and \`wflo local up\` do it, and \`npm run vendor\` does nothing else`,
      );
      return (path) => path.startsWith(`${VENDOR}/`);
    }
    const elsewhere = new Set(endpoint === undefined ? found.stamp.localOnly.map((path) => `${VENDOR}/${path}`) : []);
    // It tells of this machine.
    return (path) => path === `${VENDOR}/${VENDOR_STAMP}` || elsewhere.has(path);
  }
}
