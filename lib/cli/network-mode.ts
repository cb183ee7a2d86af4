import type { Output } from './output.ts';
import type { Target } from './target.ts';

/**
 * The network mode of a deployment; undefined for the local AWS, which says itself how it isolates, and where it cannot
 * be read: what a command shows does not depend on it.
 */
export async function readNetworkMode(target: Target, projectDir: string): Promise<string | undefined> {
  if (target.kind === 'local') return undefined;
  const [{ SSMClient, GetParameterCommand }, { projectStage }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../local-cloud/stage.ts'),
  ]);
  const stage = target.stage ?? (await projectStage(projectDir));
  const ssm = new SSMClient({ maxAttempts: 1 });
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: `/wflo/${stage}/network-mode` }));
    return Parameter?.Value;
  } catch {
    return undefined;
  } finally {
    ssm.destroy();
  }
}

/** Says so where the mode leaves the egress of sandboxes unfiltered. */
export function noteOpenNetwork(mode: string | undefined, output: Output): void {
  if (mode !== 'open') return;
  output.note('network mode `open`: the egress of sandboxes is not filtered; for anything but a trial use `private`');
}
