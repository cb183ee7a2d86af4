import type { WfloEvent } from '../audit/events.ts';
import type { GroupRecord, PersonRecord } from './records.ts';

/** One per tenant. Every change of its people counts its version up, so that rules over all of them hold. */
export interface TenantRecord {
  readonly schema: number;
  readonly tenant: string;
  readonly version: number;
  readonly createdAt: string;
}

/** All of a tenant, not older than its `tenant` record. */
export interface Directory {
  readonly tenant: TenantRecord;
  /** By id; removed people too. */
  readonly people: readonly PersonRecord[];
  /** By name. */
  readonly groups: readonly GroupRecord[];
}

/** Whose an identity is. */
export interface Link {
  readonly identity: string;
  readonly tenant: string;
  readonly personId: string;
}

/** A record with version 1 must be new; every other one must be the next of what is stored. */
export interface DirectoryChange {
  readonly people?: readonly PersonRecord[];
  readonly groups?: readonly GroupRecord[];
  /** Identities that nobody has. */
  readonly link?: readonly Link[];
  readonly unlink?: readonly Link[];
  /** Once in a deployment. */
  readonly bootstrap?: true;
  readonly attest?: string;
  /** Of the chains of tenants. */
  readonly events: readonly WfloEvent[];
}

/** What is stored of people, as whoever decides about changes reads and writes it. All reads are strongly consistent. */
export interface PeopleRecords {
  /** Undefined where there is no such tenant. */
  directory(tenant: string): Promise<Directory | undefined>;
  getPerson(tenant: string, personId: string): Promise<PersonRecord | undefined>;
  getGroup(tenant: string, group: string): Promise<GroupRecord | undefined>;
  listPeople(tenant: string): Promise<readonly PersonRecord[]>;
  listGroups(tenant: string): Promise<readonly GroupRecord[]>;
  ownerOf(identity: string): Promise<Link | undefined>;
  isAttested(roleArn: string): Promise<boolean>;
  isBootstrapped(): Promise<boolean>;
  /** How many events the chain of the tenant must come to. */
  eventCount(tenant: string): Promise<number>;
  /** `tenant` with the version that it has then. False when something was not as the change expects: nothing was written. */
  commit(tenant: TenantRecord, change: DirectoryChange): Promise<boolean>;
}
