import { buildEvent } from '../audit/build-event.ts';
import type { WfloEvent } from '../audit/events.ts';
import type { LedgerEntry } from '../budget/ledger.ts';
import { type NanoUsd, sumUsd } from '../budget/money.ts';
import { canonicalJson, type Json, sha256 } from '../json.ts';
import type { Budgets, Clock, Ids } from '../ports.ts';
import type { Actor, AttemptRecord, ExecutionRecord } from './records.ts';

export interface AttemptCostPorts {
  readonly budgets: Pick<Budgets, 'listEntries'>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What an attempt has cost, and the event that tells of it: written together, and so once. */
export interface AttemptCost {
  readonly costNanoUsd: NanoUsd;
  readonly event: WfloEvent;
}

const ENTRIES_PER_PAGE = 1000;

/**
 * The sum over what was settled for an attempt, to be told when it is over. Undefined where nothing was: it never ran,
 * or cost nothing that anybody knows of yet. What is settled later is in the ledger, and not in the event.
 */
export async function attemptCost(
  ports: AttemptCostPorts,
  execution: ExecutionRecord,
  { path, attempt }: Pick<AttemptRecord, 'path' | 'attempt'>,
  actor: Actor,
): Promise<AttemptCost | undefined> {
  const entries = await entriesOf(ports.budgets, execution.executionId, path, attempt);
  if (entries.length === 0) return undefined;
  const costNanoUsd = sumUsd(...entries.map(({ cost }) => cost));
  const calls = entries.filter(({ kind }) => kind === 'call').length;
  const data = { costNanoUsd, calls, entriesSha256: entriesSha256(entries) };
  return {
    costNanoUsd,
    event: buildEvent(ports, execution, { type: 'cost.settled', actor, stepPath: path, attempt, data }),
  };
}

/** Hex SHA-256 over the canonical JSON of entries, in the order of their ids. */
export function entriesSha256(entries: readonly LedgerEntry[]): string {
  const ordered = entries.toSorted((a, b) => (a.holdId < b.holdId ? -1 : 1));
  return sha256(canonicalJson(ordered as unknown as Json));
}

async function entriesOf(
  budgets: AttemptCostPorts['budgets'],
  executionId: string,
  path: string,
  attempt: number,
): Promise<readonly LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await budgets.listEntries(executionId, {
      limit: ENTRIES_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    entries.push(...page.items.filter(({ payer }) => payer.path === path && payer.attempt === attempt));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}
