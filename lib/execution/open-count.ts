import type { OpenCountChange } from '../ports.ts';
import type { ExecutionRecord } from './records.ts';

/** An execution that ends is no longer among the open ones. In the transaction that removes `counted`, so once. */
export function countOff({ counted, workflow }: ExecutionRecord): readonly OpenCountChange[] {
  return counted === undefined ? [] : [{ item: 'openCount', tenant: counted, workflow, add: -1 }];
}
