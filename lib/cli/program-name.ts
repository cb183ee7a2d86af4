/**
 * What a person has to type, for hints that are meant to be copied: a package of the folder is found by `npx` only.
 * `npm_command` is how npx tells the programs that it starts.
 */
export function programName(env: { readonly [name: string]: string | undefined }): 'wflo' | 'npx wflo' {
  return env.npm_command === 'exec' ? 'npx wflo' : 'wflo';
}
