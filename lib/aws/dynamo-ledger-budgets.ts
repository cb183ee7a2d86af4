import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import type {
  AttemptTotal,
  CostRow,
  ExecutionBudget,
  LedgerEntry,
  OwnScope,
  Scope,
  ScopeState,
} from '../budget/ledger.ts';
import { newScope, raisedScope, unknownExecution } from '../budget/ledger-rules.ts';
import type { NanoUsd } from '../budget/money.ts';
import { daysBetween } from '../budget/windows.ts';
import { WfloError } from '../errors.ts';
import type { Budgets, Clock, Ids, Page } from '../ports.ts';
import { decodeEntryPosition, encodePosition } from './cursor.ts';
import { documentClient, type Item, queryItems, takeItems } from './document-client.ts';
import { recordExpiry, valueExpiry } from './expiry.ts';
import { entryOfItem, scopeStateOf } from './ledger-items.ts';
import {
  costsPartition,
  ENTRY_PREFIX,
  entryPosition,
  raiseKey,
  SCOPE_PREFIX,
  scopeKey,
  TOTAL_PREFIX,
} from './ledger-keys.ts';
import { limitItems, putScope, readLimits, readScope } from './ledger-limits.ts';
import type { Expiries } from './ledger-transactions.ts';
import { ledgerBusy, throughLedger, turns, writeLedger } from './ledger-writes.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import { partitionOf } from './state-keys.ts';
import type { TransactItem } from './tenant-chain-item.ts';

export interface DynamoBudgetsOptions {
  readonly client: DynamoDBClient;
  readonly ledgerTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retentionDays: number;
  readonly retry?: RetryOptions;
}

/** DynamoDB takes 100 items a transaction: the execution, limits and four windows are beside the agents. */
export const MAX_LIMITED_AGENTS = 90;

/** Days that are read at the same time. */
const DAYS_AT_ONCE = 10;

/** Limits and what was spent, in the Ledger table. */
export function dynamoBudgets(options: DynamoBudgetsOptions): Budgets {
  const client = documentClient(options.client);
  const { ledgerTable: TableName, ids, retry } = options;

  function expiries(): Expiries {
    return { record: recordExpiry(options), value: valueExpiry(options), minute: 0 };
  }

  async function list(pk: string, prefix?: string): Promise<Item[]> {
    const items: Item[] = [];
    const query = queryItems(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: `pk = :pk${prefix === undefined ? '' : ' AND begins_with(sk, :prefix)'}`,
      ExpressionAttributeValues: { ':pk': pk, ...(prefix === undefined ? {} : { ':prefix': prefix }) },
    });
    for await (const item of query) items.push(item);
    return items;
  }

  async function openExecution(budget: ExecutionBudget): Promise<void> {
    const { executionId, tenant, workflow, alertsAt } = budget;
    const agents = Object.entries(budget.agents);
    if (agents.length > MAX_LIMITED_AGENTS) {
      throw new WfloError('invalid_budget', `${workflow} limits ${agents.length} agents`, {
        fix: `limit at most ${MAX_LIMITED_AGENTS} agents of one workflow`,
      });
    }
    const execution = { kind: 'execution', executionId } as const;
    const states = [
      newScope<OwnScope>(execution, budget.limit, alertsAt),
      ...agents.map(([agent, limit]) => newScope<OwnScope>({ kind: 'agent', executionId, agent }, limit, alertsAt)),
    ];
    for (const _ of turns()) {
      if ((await readScope(client, TableName, execution)) !== undefined) return;
      const items = [
        ...states.map((state) => putScope(TableName, state, expiries())),
        ...(await limitItems(client, { kind: 'workflow', tenant, workflow }, budget.windows, options)),
      ];
      if ((await writeLedger(client, items, ids.next(), retry)) === undefined) return;
    }
    throw ledgerBusy();
  }

  async function raise(raise: Parameters<Budgets['raise']>[0]): Promise<ScopeState> {
    const { executionId, agent, by, raiseId } = raise;
    const execution: Scope = { kind: 'execution', executionId };
    const scope: OwnScope = agent === undefined ? execution : { kind: 'agent', executionId, agent };
    for (const _ of turns()) {
      const [state, known] = await Promise.all([
        readScope(client, TableName, scope),
        agent === undefined ? undefined : readScope(client, TableName, execution),
      ]);
      if (agent === undefined ? state === undefined : known === undefined) throw unknownExecution(executionId);
      const marker = await client.send(
        new GetCommand({ TableName, Key: raiseKey(executionId, raiseId), ConsistentRead: true }),
      );
      if (state !== undefined && marker.Item !== undefined) return state;
      // Refuses before anything is written what cannot be raised, or not by this much.
      const { limit } = raisedScope(state, scope, by);
      const failed = await writeLedger(client, raiseItems(scope, by, limit, raiseId), ids.next(), retry);
      if (failed !== undefined) continue;
      const raised = await readScope(client, TableName, scope);
      if (raised !== undefined) return raised;
    }
    throw ledgerBusy();
  }

  function raiseItems(
    scope: OwnScope,
    by: NanoUsd,
    limit: NanoUsd | undefined,
    raiseId: string,
  ): readonly TransactItem[] {
    const { executionId } = scope;
    return [
      {
        Put: {
          TableName,
          Item: { by, raisedTo: limit, forgetAt: expiries().record, ...raiseKey(executionId, raiseId) },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
      {
        Update: {
          TableName,
          Key: scopeKey(scope),
          UpdateExpression: 'SET #limit = #limit + :by, #remaining = #remaining + :by',
          // What was read: two raises at the same time are one after the other, and neither leaves what can be counted.
          ConditionExpression: '#limit = :before',
          ExpressionAttributeNames: { '#limit': 'limit', '#remaining': 'remaining' },
          ExpressionAttributeValues: { ':by': by, ':before': (limit ?? 0) - by },
        },
      },
    ];
  }

  return {
    openExecution: (budget) => throughLedger(() => openExecution(budget)),
    raise: (asked) => throughLedger(() => raise(asked)),

    setTenantLimits: (tenant, limits) =>
      throughLedger(async () => {
        for (const _ of turns()) {
          const items = await limitItems(client, { kind: 'tenant', tenant }, limits, options);
          if (items.length === 0) return;
          if ((await writeLedger(client, items, ids.next(), retry)) === undefined) return;
        }
        throw ledgerBusy();
      }),

    getTenantLimits: (tenant) =>
      throughLedger(async () => (await readLimits(client, TableName, { kind: 'tenant', tenant })).limits),

    getScope: (scope) => throughLedger(() => readScope(client, TableName, scope)),

    listScopes: (executionId) =>
      throughLedger(async () => {
        const states = (await list(partitionOf(executionId), SCOPE_PREFIX)).map(scopeStateOf);
        // `agent#…` sorts before `execution`.
        return states.sort((a, b) => compare(agentOf(a), agentOf(b)));
      }),

    executionScopes: (executionIds) =>
      throughLedger(async () => {
        const found = new Map<string, ScopeState>();
        let keys = [...new Set(executionIds)].map((executionId) => scopeKey({ kind: 'execution', executionId }));
        for (const _ of turns()) {
          if (keys.length === 0) return found;
          const answer = await client.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: keys } } }));
          for (const item of answer.Responses?.[TableName] ?? []) {
            const state = scopeStateOf(item);
            if (state.scope.kind === 'execution') found.set(state.scope.executionId, state);
          }
          keys = (answer.UnprocessedKeys?.[TableName]?.Keys ?? []).map(({ pk, sk }) => ({
            pk: String(pk),
            sk: String(sk),
          }));
        }
        throw ledgerBusy();
      }),

    attemptTotals: (executionId) =>
      throughLedger(async () =>
        (await list(partitionOf(executionId), TOTAL_PREFIX)).map((item): AttemptTotal => {
          const { path, attempt, calls, cost } = item as unknown as AttemptTotal;
          return { path, attempt, calls, cost };
        }),
      ),

    listEntries: (executionId, query) =>
      throughLedger(async (): Promise<Page<LedgerEntry>> => {
        const after = query.cursor === undefined ? undefined : decodeEntryPosition(query.cursor);
        const items = await takeItems(
          queryItems(client, {
            TableName,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: { ':pk': partitionOf(executionId), ':prefix': ENTRY_PREFIX },
            Limit: query.limit + 1,
            ...(after === undefined
              ? {}
              : { ExclusiveStartKey: { pk: partitionOf(executionId), sk: `${ENTRY_PREFIX}${after}` } }),
          }),
          query.limit + 1,
        );
        const entries = items.slice(0, query.limit).map(entryOfItem);
        const last = entries.at(-1);
        return items.length > query.limit && last !== undefined
          ? { items: entries, cursor: encodePosition(entryPosition(last)) }
          : { items: entries };
      }),

    listCosts: (tenant, { from, to }) =>
      throughLedger(async () => {
        const days = daysBetween(from, to);
        const rows: CostRow[] = [];
        for (let first = 0; first < days.length; first += DAYS_AT_ONCE) {
          const some = days.slice(first, first + DAYS_AT_ONCE);
          const found = await Promise.all(some.map((day) => list(costsPartition(tenant, day))));
          rows.push(...found.flat().map(costRowOfItem));
        }
        return rows;
      }),
  };
}

function costRowOfItem(item: Item): CostRow {
  const { row, calls, cost, inputTokens, outputTokens } = item as unknown as CostRow & { readonly row: CostRow };
  return { ...row, calls, cost, inputTokens, outputTokens };
}

function agentOf({ scope }: ScopeState): string {
  return scope.kind === 'agent' ? scope.agent : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
