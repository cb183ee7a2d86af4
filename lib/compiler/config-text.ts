/**
 * A value as the JSON text that is embedded in the ASL. `$` is written as an escape, so that no text of a user can
 * be a placeholder (`${…}`), a path or an intrinsic. `JSON.parse` gives the value back.
 */
export function configText(value: unknown): string {
  return JSON.stringify(value).replaceAll('$', '\\u0024');
}
