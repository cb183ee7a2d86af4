import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject } from '../json.ts';

export const DEFAULT_STAGE = 'dev';

/** `wflo:stage` of the project's `cdk.json`, which is what CDK takes where nothing else is said. */
export async function projectStage(projectDir: string): Promise<string> {
  try {
    const settings: unknown = JSON.parse(await readFile(join(projectDir, 'cdk.json'), 'utf8'));
    const context = isJsonObject(settings) ? settings.context : undefined;
    const stage = isJsonObject(context) ? context['wflo:stage'] : undefined;
    return typeof stage === 'string' ? stage : DEFAULT_STAGE;
  } catch {
    return DEFAULT_STAGE;
  }
}
