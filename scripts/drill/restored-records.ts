import type { RestoredExecution } from './compare.ts';

/** The attributes of State items that are compared; payloads and answers stay out of memory. */
export const COMPARED = [
  'pk',
  'sk',
  'status',
  'eventCount',
  'ending',
  'path',
  'attempt',
  'payloadHash',
  'approvalId',
  'claimedBy',
];

type Mutable = { meta?: RestoredExecution['meta']; attempts: object[]; approvals: object[] };

/** Puts the items of a State table together by execution. Leases and blobs have no events to be compared with. */
export function gatherExecutions() {
  const found = new Map<string, Mutable>();
  return {
    add(item: { readonly [attribute: string]: unknown }): void {
      const [pk, sk] = [String(item.pk), String(item.sk)];
      const isCompared = sk === 'META' || sk.startsWith('STEP#') || sk.startsWith('APPROVAL#');
      if (!pk.startsWith('EXEC#') || !isCompared) return;
      const executionId = pk.slice('EXEC#'.length);
      const execution = found.get(executionId) ?? { attempts: [], approvals: [] };
      found.set(executionId, execution);
      if (sk === 'META') execution.meta = item as unknown as NonNullable<RestoredExecution['meta']>;
      else if (sk.startsWith('STEP#')) execution.attempts.push(item);
      else execution.approvals.push(item);
    },
    executions(): readonly RestoredExecution[] {
      return [...found].map(([executionId, parts]) => ({ executionId, ...parts }) as RestoredExecution);
    },
  };
}
