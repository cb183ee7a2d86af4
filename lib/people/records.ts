import type { Role } from './roles.ts';

/** A person of a tenant. Whoever was removed stays as a record, inactive, so that what they did has a name. */
export interface PersonRecord {
  readonly schema: number;
  readonly tenant: string;
  /** Lower-case words with hyphens; unique in the tenant, and never used again. */
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** As `identityOf` writes them; each is linked to one person of the deployment. */
  readonly identities: readonly string[];
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: string;
}

export interface GroupRecord {
  readonly schema: number;
  readonly tenant: string;
  readonly group: string;
  readonly members: readonly string[];
  readonly version: number;
}
