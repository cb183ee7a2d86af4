import { isExecutionId } from '../execution/identity.ts';

/** A chain is that of an execution, or that of a tenant: people, groups and emergency stops. */
export function isChainId(id: string): boolean {
  return isExecutionId(id) || /^tenant:[a-z][a-z0-9-]{0,63}$/.test(id);
}
