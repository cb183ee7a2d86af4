import type { ItemKey } from './state-keys.ts';
import type { TableSchema } from './table-schemas.ts';

/** People, groups and tenants by tenant; identities and attested roles over the whole deployment. */
export const PEOPLE_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [],
} as const satisfies TableSchema;

export const PERSON_PREFIX = 'PERSON#';
export const GROUP_PREFIX = 'GROUP#';

export function tenantPartition(tenant: string): string {
  return `TENANT#${tenant}`;
}

export function tenantKey(tenant: string): ItemKey {
  return { pk: tenantPartition(tenant), sk: 'TENANT' };
}

export function personKey(tenant: string, personId: string): ItemKey {
  return { pk: tenantPartition(tenant), sk: `${PERSON_PREFIX}${personId}` };
}

export function groupKey(tenant: string, group: string): ItemKey {
  return { pk: tenantPartition(tenant), sk: `${GROUP_PREFIX}${group}` };
}

/** One per identity of the deployment, so that none is two people. */
export function identityKey(identity: string): ItemKey {
  return { pk: `IDENTITY#${identity}`, sk: 'IDENTITY' };
}

export const BOOTSTRAP_KEY: ItemKey = { pk: 'DEPLOYMENT', sk: 'BOOTSTRAP' };

export function attestedRoleKey(roleArn: string): ItemKey {
  return { pk: 'DEPLOYMENT', sk: `ROLE#${roleArn}` };
}
