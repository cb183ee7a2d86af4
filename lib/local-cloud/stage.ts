import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject } from '../json.ts';

export const DEFAULT_STAGE = 'dev';

/** `wflo:stage` of the project's `cdk.json`, which is what CDK takes where nothing else is said. */
export async function projectStage(projectDir: string): Promise<string> {
  return (await projectContext(projectDir, 'wflo:stage')) ?? DEFAULT_STAGE;
}

/** A text of the context in the project's `cdk.json`; undefined where there is none, or no such file. */
export async function projectContext(projectDir: string, key: string): Promise<string | undefined> {
  try {
    const settings: unknown = JSON.parse(await readFile(join(projectDir, 'cdk.json'), 'utf8'));
    const context = isJsonObject(settings) ? settings.context : undefined;
    const value = isJsonObject(context) ? context[key] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
