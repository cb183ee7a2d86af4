/** One item of the records table; `id` is its key. Times are ISO 8601 in UTC, to the second. */
export interface StoredRecord {
  readonly id: string;
  readonly kind: 'customer' | 'session' | 'invoice';
  /** customer: `active` or `closed` · session: `ended` · invoice: `paid` or `open`. */
  readonly status: 'active' | 'closed' | 'ended' | 'paid' | 'open';
  /** The team that answers for the record. */
  readonly owner: string;
  readonly createdAt: string;
  readonly lastAccessedAt: string;
  readonly sizeBytes: number;
  /** A court or an audit needs it: it must not be deleted, however old it is. */
  readonly legalHold: boolean;
}
