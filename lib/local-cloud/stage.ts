import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WfloError } from '../errors.ts';
import { isJsonObject } from '../json.ts';

export const DEFAULT_STAGE = 'dev';

/** Throws `usage` for a folder that CDK has nothing to deploy from, before anything is installed into it. */
export async function requireProject(projectDir: string): Promise<void> {
  try {
    await access(join(projectDir, 'cdk.json'));
  } catch (cause) {
    throw new WfloError('usage', `${projectDir} is not the folder of a Wflo project: it has no cdk.json`, {
      fix: 'change into the folder that holds cdk.json and state-machines/, and repeat the command',
      cause,
    });
  }
}

/** `wflo:stage` of the project's `cdk.json`, which is what CDK takes where nothing else is said. */
export async function projectStage(projectDir: string): Promise<string> {
  return (await projectContext(projectDir, 'wflo:stage')) ?? DEFAULT_STAGE;
}

/** A text of the context in the project's `cdk.json`; undefined where there is none, or no such file. */
export async function projectContext(projectDir: string, key: string): Promise<string | undefined> {
  const value = await projectContextValue(projectDir, key);
  return typeof value === 'string' ? value : undefined;
}

/** Whatever the context in the project's `cdk.json` has there; undefined where it has nothing, or is no such file. */
export async function projectContextValue(projectDir: string, key: string): Promise<unknown> {
  try {
    const settings: unknown = JSON.parse(await readFile(join(projectDir, 'cdk.json'), 'utf8'));
    const context = isJsonObject(settings) ? settings.context : undefined;
    return isJsonObject(context) ? context[key] : undefined;
  } catch {
    return undefined;
  }
}
