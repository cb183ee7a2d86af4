import { FORGET_AT } from './expiry.ts';

/**
 * Keys and indexes of the tables as plain data, so that deployed tables (data stack) and the tables of the
 * contract tests cannot differ. Every key attribute is a string.
 */
export interface TableSchema {
  readonly partitionKey: string;
  readonly sortKey: string;
  /** All project ALL: their readers want whole records. */
  readonly indexes: readonly IndexSchema[];
  /** Attribute with the time of expiry in seconds since 1970. */
  readonly timeToLive?: string;
  readonly stream?: 'NEW_IMAGE';
}

export interface IndexSchema {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

export const STATE_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    /** Executions of a tenant by start. */
    { name: 'byTenant', partitionKey: 'tenant', sortKey: 'startedKey' },
    /** Executions of one workflow of a tenant by start. */
    { name: 'byWorkflow', partitionKey: 'tenantWorkflow', sortKey: 'startedKey' },
    /** Sparse: what `reconcile` has to look at, per kind, by time. */
    { name: 'byCheck', partitionKey: 'checkKind', sortKey: 'checkAt' },
    /**
     * Approvals of a tenant by request, pending and decided ones apart. One index for both: DynamoDB adds one at a time,
     * so CloudFormation refuses a second new index in an update of a table that is there.
     */
    { name: 'byApproval', partitionKey: 'approvalList', sortKey: 'requestedKey' },
  ],
  timeToLive: FORGET_AT,
} as const satisfies TableSchema;

export const EVENTS_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    /** Sparse: outbox items that were not published, spread over `UNPUBLISHED_SHARDS` partitions. */
    { name: 'byUnpublished', partitionKey: 'unpublishedShard', sortKey: 'createdAt' },
  ],
  timeToLive: 'expiresAt',
  stream: 'NEW_IMAGE',
} as const satisfies TableSchema;

export const AUDIT_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [],
} as const satisfies TableSchema;

/** Apart from the State table, so that only who resumes may read a token. */
export const TOKENS_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [],
  timeToLive: 'expiresAt',
} as const satisfies TableSchema;

export const LEDGER_TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    /**
     * Sparse: open holds of calls by expiry, spread over `OPEN_HOLD_SHARDS` partitions, and unsettled holds of a tenant by
     * time. One index for both, as with approvals.
     */
    { name: 'byHold', partitionKey: 'holdList', sortKey: 'holdOrder' },
    /** Sparse: unsettled holds to look up in the records of their provider, by when. Listed by tenant as well. */
    { name: 'byRecord', partitionKey: 'recordList', sortKey: 'recordAt' },
  ],
  timeToLive: FORGET_AT,
  stream: 'NEW_IMAGE',
} as const satisfies TableSchema;

export const OPEN_HOLD_SHARDS = 8;

export const UNPUBLISHED_SHARDS = 16;
