import { sha256 } from '../../json.ts';

/** Limit of Lambda for `wflo-<stage>-<name>`. */
const MAX_NAME = 64;
const HASH = 8;

/**
 * `step-<workflow>-<path>` or `setup-<workflow>-<name>` as the name of a platform function. What would pass the limit
 * with its prefix is cut, and ends with a hash of the whole.
 */
export function functionName(stage: string, kind: 'step' | 'setup', workflow: string, name: string): string {
  const whole = `${kind}-${workflow}-${name.replaceAll('/', '-')}`;
  const room = MAX_NAME - `wflo-${stage}-`.length;
  // Paths with `/` and with `-` may read the same.
  if (whole.length <= room && !name.includes('/')) return whole;
  return `${whole.slice(0, room - HASH - 1)}-${sha256(`${workflow}/${name}`).slice(0, HASH)}`;
}
