import type { TaskState } from '../../lib/ports.ts';

const PRIVATE = [/^10\./, /^172\.(1[6-9]|2\d|3[01])\./, /^192\.168\./];

/**
 * Whether a call came from another address in the VPC than its task has. Says nothing (false) where either is unknown,
 * or where the address was translated on its way and is a public one.
 */
export function comesFromElsewhere(sourceIp: string | undefined, { privateIpv4 }: TaskState): boolean {
  if (sourceIp === undefined || privateIpv4 === undefined) return false;
  return PRIVATE.some((range) => range.test(sourceIp)) && sourceIp !== privateIpv4;
}
