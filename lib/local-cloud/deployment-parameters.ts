import type { SSMClient } from '@aws-sdk/client-ssm';

/** What the app tells about a deployed stage, under `/wflo/<stage>/` of the parameter store. */
export interface StageParameters {
  readonly controlApiUrl: string | null;
  /** Names of the deployed workflows, sorted. */
  readonly workflows: readonly string[];
}

export async function readStageParameters(client: SSMClient, stage: string): Promise<StageParameters> {
  const { GetParametersByPathCommand } = await import('@aws-sdk/client-ssm');
  const root = `/wflo/${stage}/`;
  const found = new Map<string, string>();
  let token: string | undefined;
  do {
    const page = await client.send(
      new GetParametersByPathCommand({
        Path: root,
        Recursive: true,
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    for (const { Name, Value } of page.Parameters ?? [])
      if (Name !== undefined && Value !== undefined) found.set(Name, Value);
    token = page.NextToken;
  } while (token !== undefined && token !== '');
  return stageParametersOf(found, root);
}

export function stageParametersOf(found: ReadonlyMap<string, string>, root: string): StageParameters {
  const workflowRoot = `${root}workflows/`;
  return {
    controlApiUrl: found.get(`${root}control-api-url`) ?? null,
    workflows: [...found.keys()]
      .filter((name) => name.startsWith(workflowRoot))
      .map((name) => name.slice(workflowRoot.length))
      .sort(),
  };
}
