import type { DynamoDBRecord } from 'aws-lambda';
import { buildEvent } from '../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../lib/audit/events.ts';
import { entryOfItem, holdOfItem, scopeStateOf, WATCHED } from '../../lib/aws/ledger-items.ts';
import { windowStates } from '../../lib/aws/ledger-windows.ts';
import type { Hold, LedgerEntry, Scope, ScopeState } from '../../lib/budget/ledger.ts';
import { reachedThresholds, scopeName } from '../../lib/budget/ledger-rules.ts';
import { WfloError } from '../../lib/errors.ts';
import type { Actor, ExecutionRecord } from '../../lib/execution/records.ts';
import { tenantChain } from '../../lib/people/tenant-chain.ts';
import type { Announcements, Clock, ExecutionStore, Ids } from '../../lib/ports.ts';
import { plainImage } from '../shared/stream-image.ts';

export interface WatchPorts {
  readonly executions: Pick<ExecutionStore, 'getExecution'>;
  readonly announcements: Announcements;
  readonly ids: Ids;
  readonly clock: Clock;
}

export interface Watched {
  /** Alerts that went out because of this batch. */
  readonly alerts: number;
  /** Holds of which this batch told first that nobody knows what they cost. */
  readonly unsettled: readonly Hold[];
  /** What was settled. A record that comes again is counted again: the ledger is the record of money, this is a graph. */
  readonly entries: readonly LedgerEntry[];
}

/** Whoever looks at the ledger from outside. */
const WATCHER: Actor = { type: 'system', id: 'wflo', via: 'watch-budgets' };

/** Told in this process before: every later change of a scope reaches the same thresholds. Nothing but calls are saved. */
const TOLD_BEFORE = 10_000;
const toldBefore = new Set<string>();

/**
 * Tells of budgets that reached a share of their limit, and of holds that became unsettled, each once. It throws at the
 * first record that fails, so that the batch comes again from the start.
 */
export async function watchLedger(
  ports: WatchPorts,
  records: readonly DynamoDBRecord[],
  told: Set<string> = toldBefore,
): Promise<Watched> {
  let alerts = 0;
  const unsettled: Hold[] = [];
  const entries: LedgerEntry[] = [];
  for (const { eventName, dynamodb } of records) {
    // REMOVE is the expiry.
    if (eventName === 'REMOVE') continue;
    const item = plainImage(dynamodb?.NewImage ?? {});
    switch (item[WATCHED]) {
      case 'scope':
        alerts += await alertsOf(ports, scopeStateOf(item), told);
        break;
      case 'windows':
        for (const state of windowStates(item)) alerts += await alertsOf(ports, state, told);
        break;
      case 'unsettled': {
        const hold = holdOfItem(item);
        if (await tellUnsettled(ports, hold)) unsettled.push(hold);
        break;
      }
      case 'entry':
        entries.push(entryOfItem(item));
        break;
    }
  }
  return { alerts, unsettled, entries };
}

async function alertsOf(ports: WatchPorts, state: ScopeState, told: Set<string>): Promise<number> {
  let alerts = 0;
  for (const threshold of reachedThresholds(state)) {
    const marker = `${scopeName(state.scope)} ${threshold}`;
    if (told.has(marker)) continue;
    const chain = await chainOf(ports, state.scope);
    const event = buildEvent(ports, chain, {
      type: 'cost.alert',
      data: {
        scope: { ...state.scope },
        threshold: threshold / 1000,
        spentNanoUsd: state.spent,
        limitNanoUsd: state.limit ?? 0,
      },
      actor: WATCHER,
    });
    if (await announce(ports, marker, event)) alerts += 1;
    if (told.size >= TOLD_BEFORE) told.clear();
    told.add(marker);
  }
  return alerts;
}

async function tellUnsettled(ports: WatchPorts, hold: Hold): Promise<boolean> {
  const { payer, holdId, amount, reason } = hold;
  const { executionId, path, attempt } = payer;
  const event = buildEvent(ports, await executionOf(ports, executionId), {
    type: 'cost.unsettled',
    data: { holdId, heldNanoUsd: amount, reason: reason ?? 'unknown' },
    actor: WATCHER,
    stepPath: path,
    attempt,
  });
  return announce(ports, `unsettled ${executionId} ${holdId}`, event);
}

function announce(ports: WatchPorts, marker: string, event: WfloEvent): Promise<boolean> {
  return ports.announcements.announceOnce(marker, event.executionId, [event]);
}

/** An execution tells of its own budgets; those of windows are told to the tenant. */
async function chainOf(
  ports: WatchPorts,
  scope: Scope,
): Promise<Pick<ExecutionRecord, 'executionId' | 'workflow' | 'traceId'>> {
  return 'executionId' in scope ? executionOf(ports, scope.executionId) : tenantChain(scope.tenant);
}

async function executionOf(ports: WatchPorts, executionId: string): Promise<ExecutionRecord> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution !== undefined) return execution;
  throw new WfloError('unknown_execution', `the ledger has money of ${executionId}, which has no record`, {
    fix: 'look into the audit trail of the execution',
  });
}
