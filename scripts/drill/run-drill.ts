import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { type DynamoDBClient, TableAlreadyExistsException } from '@aws-sdk/client-dynamodb';
import { dynamoAuditStore } from '../../lib/aws/dynamo-audit-store.ts';
import type { AuditStore } from '../../lib/ports.ts';
import {
  type Comparison,
  compareExecution,
  type Difference,
  KINDS,
  type Kind,
  type RestoredExecution,
} from './compare.ts';
import { gatherExecutions } from './restored-records.ts';
import {
  beginRestore,
  deleteRestored,
  findTables,
  type Patience,
  scanCompared,
  untilActive,
} from './restored-table.ts';

export interface DrillOptions {
  readonly stage: string;
  /** Absent: the latest time that can be restored. */
  readonly at?: Date;
  readonly keep: boolean;
  readonly signal?: AbortSignal;
  readonly now: Date;
  readonly patience: Patience;
  readonly report: (text: string) => void;
}

export interface DrillClients {
  readonly cloudFormation: CloudFormationClient;
  readonly dynamo: DynamoDBClient;
}

export interface DrillReport {
  readonly ok: boolean;
  readonly executions: number;
  readonly kinds: {
    readonly [K in Kind]: { readonly compared: number; readonly agree: number; readonly differ: number };
  };
  /** How many have a chain that goes on after what was restored. */
  readonly ahead: number;
  readonly differ: readonly { readonly executionId: string; readonly differences: readonly Difference[] }[];
}

export interface DrillResult extends DrillReport {
  readonly table: string;
  readonly kept: boolean;
  readonly restoredTo: string | null;
}

/** How many chains are read at once. */
const AT_ONCE = 8;

/** Restores the State table of a stage beside the live one, compares it with the audit chains, and deletes it. */
export async function runDrill(options: DrillOptions, clients: DrillClients): Promise<DrillResult> {
  const { stage, at, keep, signal, now, patience, report } = options;
  const { dynamo } = clients;
  const tables = await findTables(clients.cloudFormation, stage);
  const table = `wflo-${stage}-drill-${now.toISOString().replace(/\D/g, '').slice(0, 14)}`;
  signal?.throwIfAborted();
  let isOurs = true;
  let isBegun = false;
  try {
    report(`restores ${tables.state} into ${table}`);
    const restoredTo = await beginRestore(dynamo, tables.state, table, at);
    isBegun = true;
    await untilActive(dynamo, table, patience, signal);
    report('compares what was restored with the audit chains');
    const audit = dynamoAuditStore({ client: dynamo, auditTable: tables.audit });
    const result = await compareTable(dynamo, table, audit, signal);
    return { ...result, table, kept: keep, restoredTo: restoredTo?.toISOString() ?? null };
  } catch (error) {
    isOurs = !(error instanceof TableAlreadyExistsException);
    throw error;
  } finally {
    if (keep && isBegun) report(`${table} is kept: delete it when you have looked at it`);
    // After any other failure it may be there: the answer alone may have been lost.
    else if (isOurs) await deleteOrTell(dynamo, table, patience, report);
  }
}

/** Compares a table that has what State has with the chains. */
export async function compareTable(
  dynamo: DynamoDBClient,
  table: string,
  audit: Pick<AuditStore, 'list'>,
  signal?: AbortSignal,
): Promise<DrillReport> {
  const gathered = gatherExecutions();
  for await (const item of scanCompared(dynamo, table)) {
    signal?.throwIfAborted();
    gathered.add(item);
  }
  const executions = gathered.executions();
  const compared: { readonly executionId: string; readonly comparison: Comparison }[] = [];
  for (let from = 0; from < executions.length; from += AT_ONCE) {
    signal?.throwIfAborted();
    compared.push(
      ...(await Promise.all(
        executions.slice(from, from + AT_ONCE).map(async (restored) => ({
          executionId: restored.executionId,
          comparison: compareExecution(restored, await chainOf(audit, restored)),
        })),
      )),
    );
  }
  return summarize(compared);
}

/** One record more than was restored, which tells whether the chain goes on. */
async function chainOf(audit: Pick<AuditStore, 'list'>, { executionId, meta }: RestoredExecution) {
  return (await audit.list(executionId, 0, (meta?.eventCount ?? 0) + 1)).items;
}

export function summarize(
  compared: readonly { readonly executionId: string; readonly comparison: Comparison }[],
): DrillReport {
  const kinds = Object.fromEntries(
    KINDS.map((kind) => {
      const of = compared.filter(({ comparison }) => comparison.compared.includes(kind));
      const differ = of.filter(({ comparison }) => comparison.differences.some((one) => one.kind === kind)).length;
      return [kind, { compared: of.length, agree: of.length - differ, differ }];
    }),
  ) as DrillReport['kinds'];
  const differ = compared
    .filter(({ comparison }) => comparison.differences.length > 0)
    .map(({ executionId, comparison }) => ({ executionId, differences: comparison.differences }));
  const ahead = compared.filter(({ comparison }) => comparison.ahead).length;
  return { ok: differ.length === 0, executions: compared.length, kinds, ahead, differ };
}

/** What went wrong before is what the caller needs to know, not that this did too. */
async function deleteOrTell(
  dynamo: DynamoDBClient,
  table: string,
  patience: Patience,
  report: DrillOptions['report'],
): Promise<void> {
  try {
    if (await deleteRestored(dynamo, table, patience)) report(`${table} is deleted`);
  } catch (error) {
    report(`${table} could not be deleted, delete it yourself: ${error instanceof Error ? error.message : error}`);
  }
}
