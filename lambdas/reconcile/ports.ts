import type { Hold } from '../../lib/budget/ledger.ts';
import type { PriceBook } from '../../lib/budget/price-book.ts';
import type { Announcements, Budgets, Ledger, ProviderRecords, StateMachines } from '../../lib/ports.ts';
import type { EndPorts } from '../end-execution/end.ts';
import type { RelayPorts } from '../relay-events/relay.ts';

/** What a call of which nobody knows the cost is settled by. */
export interface RecordPorts {
  readonly records: ProviderRecords;
  readonly ledger: Pick<Ledger, 'holdsToLookUp' | 'lookUpAgain'>;
  /** Those of today. */
  readonly prices: PriceBook;
  /** The records do not settle this hold, and are not asked again. */
  leftToPerson(hold: Hold, reason: string): void;
}

/** Everything that checks read and repair. */
export interface ReconcilePorts extends EndPorts, RelayPorts {
  readonly ledger: EndPorts['ledger'] & Pick<Ledger, 'expiredHolds'>;
  readonly budgets: EndPorts['budgets'] & Pick<Budgets, 'raise' | 'getScope'>;
  readonly announcements: Announcements;
  /** Absent where nobody looks anything up. */
  readonly records?: RecordPorts;
  readonly machines: Pick<StateMachines, 'describe' | 'stop'>;
  /** Lets the one function that reads task tokens tell the waiting states. */
  readonly resumeApprovals: (approvalIds: readonly string[]) => Promise<void>;
  /** Milliseconds that are left of this call. */
  readonly remainingMs: () => number;
}
