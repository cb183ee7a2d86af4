import type { DynamoDBDocumentClient, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { ApprovalRecord, ExecutionRecord } from '../execution/records.ts';
import type { ApprovalQuery, ExecutionQuery, Page } from '../ports.ts';
import { decodeApprovalPosition, decodePosition, encodePosition } from './cursor.ts';
import { queryItems, takeItems } from './document-client.ts';
import {
  type ApprovalList,
  approvalList,
  metaKey,
  recordOf,
  requestedKey,
  startedKey,
  tenantWorkflow,
} from './state-keys.ts';

/** Executions of a tenant, or of one of its workflows, newest first. */
export async function executionsPage(
  client: DynamoDBDocumentClient,
  TableName: string,
  query: ExecutionQuery,
): Promise<Page<ExecutionRecord>> {
  const items = await takeItems(
    queryItems(client, executionsQuery(query, TableName)),
    query.limit + 1,
    (item) => query.status === undefined || item.status === query.status,
  );
  return pageOf(items.map(recordOf<ExecutionRecord>), query.limit, startedKey);
}

function executionsQuery(query: ExecutionQuery, TableName: string): QueryCommandInput {
  const { tenant, workflow } = query;
  const index =
    workflow === undefined
      ? { IndexName: 'byTenant', name: 'tenant', value: tenant }
      : { IndexName: 'byWorkflow', name: 'tenantWorkflow', value: tenantWorkflow(tenant, workflow) };
  const after = query.cursor === undefined ? undefined : decodePosition(query.cursor);
  return {
    TableName,
    IndexName: index.IndexName,
    ScanIndexForward: false,
    KeyConditionExpression: '#partition = :partition',
    ExpressionAttributeNames: { '#partition': index.name },
    ExpressionAttributeValues: { ':partition': index.value },
    // A status keeps some of what is read: read more at once.
    Limit: query.status === undefined ? query.limit + 1 : 200,
    ...(after === undefined
      ? {}
      : {
          ExclusiveStartKey: {
            ...metaKey(after.slice(after.indexOf('#') + 1)),
            [index.name]: index.value,
            startedKey: after,
          },
        }),
  };
}

/** Approvals of a tenant, newest first: the pending ones, or both lists merged by time. */
export async function approvalsPage(
  client: DynamoDBDocumentClient,
  TableName: string,
  query: ApprovalQuery,
): Promise<Page<ApprovalRecord>> {
  const lists: readonly ApprovalList[] = query.all ? ['decided', 'pending'] : ['pending'];
  const found = await Promise.all(
    lists.map((list) =>
      takeItems(
        queryItems(client, approvalsQuery(query, approvalList(query.tenant, list), TableName)),
        query.limit + 1,
      ),
    ),
  );
  const byKey = new Map<string, ApprovalRecord>();
  for (const approval of found.flat().map(recordOf<ApprovalRecord>)) {
    // The index may show an approval that moves in both lists: the decided one comes first.
    const key = requestedKey(approval);
    if (!byKey.has(key)) byKey.set(key, approval);
  }
  const newestFirst = [...byKey].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, approval]) => approval);
  return pageOf(newestFirst, query.limit, requestedKey);
}

function approvalsQuery(query: ApprovalQuery, list: string, TableName: string): QueryCommandInput {
  const after = query.cursor === undefined ? undefined : decodeApprovalPosition(query.cursor);
  return {
    TableName,
    IndexName: 'byApproval',
    ScanIndexForward: false,
    KeyConditionExpression: `approvalList = :list${after === undefined ? '' : ' AND requestedKey < :after'}`,
    ExpressionAttributeValues: { ':list': list, ...(after === undefined ? {} : { ':after': after }) },
    Limit: query.limit + 1,
  };
}

/** Of `limit + 1` records or more, where those after `limit` only tell that there are more. */
function pageOf<R>(records: readonly R[], limit: number, position: (record: R) => string): Page<R> {
  const items = records.slice(0, limit);
  const last = items.at(-1);
  return records.length > limit && last !== undefined ? { items, cursor: encodePosition(position(last)) } : { items };
}
