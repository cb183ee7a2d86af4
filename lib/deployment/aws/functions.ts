import {
  DeleteFunctionCommand,
  type LambdaClient,
  paginateListFunctions,
  paginateListVersionsByFunction,
} from '@aws-sdk/client-lambda';
import type { FunctionFound, VersionFound } from '../inventory.ts';
import { roleNameOf } from '../named-things.ts';
import { unlessGone } from './gone.ts';

/** Functions of workflows; those of the platform come and go with their stack. */
export async function readFunctions(client: LambdaClient, stage: string): Promise<readonly FunctionFound[]> {
  const ours = new RegExp(`^wflo-${stage}-(step|setup)-`);
  const functions: FunctionFound[] = [];
  for await (const page of paginateListFunctions({ client }, {})) {
    for (const { FunctionName: name = '', LastModified, Role = '' } of page.Functions ?? []) {
      if (!ours.test(name)) continue;
      functions.push({
        name,
        at: dateOf(LastModified),
        role: roleNameOf(Role),
        versions: await readVersions(client, name),
      });
    }
  }
  return functions;
}

async function readVersions(client: LambdaClient, FunctionName: string): Promise<readonly VersionFound[]> {
  const versions: VersionFound[] = [];
  for await (const page of paginateListVersionsByFunction({ client }, { FunctionName })) {
    for (const { Version, FunctionArn, LastModified, Role = '' } of page.Versions ?? []) {
      if (Version === undefined || Version === '$LATEST' || FunctionArn === undefined) continue;
      versions.push({ arn: FunctionArn, at: dateOf(LastModified), role: roleNameOf(Role) });
    }
  }
  return versions;
}

export async function removeFunction(client: LambdaClient, FunctionName: string): Promise<void> {
  await unlessGone(client.send(new DeleteFunctionCommand({ FunctionName })));
}

/** The number is passed beside the name: a version must never be mistaken for its function. */
export async function removeVersion(client: LambdaClient, arn: string): Promise<void> {
  const [, FunctionName, Qualifier] = /:function:([^:]+):(\d+)$/.exec(arn) ?? [];
  if (FunctionName === undefined || Qualifier === undefined) throw new Error(`${arn} is not the ARN of a version`);
  await unlessGone(client.send(new DeleteFunctionCommand({ FunctionName, Qualifier })));
}

/** What has no time counts as new, which keeps it. Lambda writes `+0000`, which not every parser takes. */
function dateOf(text: string | undefined): Date {
  const date = new Date((text ?? '').replace(/\+0000$/, 'Z'));
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
