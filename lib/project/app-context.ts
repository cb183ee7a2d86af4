import { readFile } from 'node:fs/promises';

/**
 * A value of the context that CDK runs an app with: `cdk.json`, `cdk.context.json` and `-c` together. For what is needed
 * before CDK itself is loaded; an app has no other way to its context.
 */
export async function appContextValue(
  key: string,
  env: { readonly [name: string]: string | undefined } = process.env,
): Promise<unknown> {
  // Where CDK puts what does not fit into an environment variable; as in its own `App`, the file counts more.
  const overflow = env.CONTEXT_OVERFLOW_LOCATION_ENV;
  const context = {
    ...(JSON.parse(env.CDK_CONTEXT_JSON ?? '{}') as Record<string, unknown>),
    ...(overflow === undefined ? {} : (JSON.parse(await readFile(overflow, 'utf8')) as Record<string, unknown>)),
  };
  return context[key];
}
