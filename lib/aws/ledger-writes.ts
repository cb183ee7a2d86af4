import { TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { WfloError } from '../errors.ts';
import type { Item } from './document-client.ts';
import { plainItem } from './ledger-items.ts';
import { cancellationCodes, isConditionFailure, type RetryOptions, retryConflicts } from './retry-conflicts.ts';
import type { TransactItem } from './tenant-chain-item.ts';
import { transactWriteItem } from './transact-write-item.ts';

/** How long a write that is in conflict with others is repeated: milliseconds of waiting. */
export const CONFLICT_WAIT_MS = 2_000;

/** Of one item of a transaction whose condition did not hold: what was there at that instant, if anything was. */
export interface Failed {
  readonly item: Item | undefined;
}

/**
 * Writes all items or none. Undefined when all are written, else for each item whether its condition failed. DynamoDB
 * recognises the SDK's own repeats by the token of the request. The items are converted here, and the plain command is
 * sent: that of the document client takes a fifth more of the time of a call.
 */
export async function writeLedger(
  client: DynamoDBDocumentClient,
  items: readonly TransactItem[],
  token: string,
  retry: RetryOptions | undefined,
): Promise<readonly (Failed | undefined)[] | undefined> {
  const TransactItems = items.map(transactWriteItem);
  const command = () => client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: token }));
  try {
    await retryConflicts(command, { totalWaitMs: CONFLICT_WAIT_MS, ...retry });
    return undefined;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException) || !isConditionFailure(error)) throw error;
    return (error.CancellationReasons ?? []).map(({ Code, Item: item }) =>
      Code === 'ConditionalCheckFailed' ? { item: item === undefined ? undefined : plainItem(item) } : undefined,
    );
  }
}

const BUSY_ERRORS = [
  'TransactionConflictException',
  'TransactionInProgressException',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
];

/** What a mistake of ours looks like: neither busy nor out of reach, and no repeat would do better. */
const OUR_MISTAKES = ['ValidationException', 'IdempotentParameterMismatchException', 'SerializationException'];

export function isOurMistake(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return OUR_MISTAKES.includes(error.name) || cancellationCodes(error).includes('ValidationError');
}

/**
 * Runs a method of the ledger. Throws `ledger_busy` for what conflicts and throttling did not let through, and
 * `ledger_unreachable` where DynamoDB gave no answer or refused us.
 */
export async function throughLedger<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    // The SDK puts this on whatever its requests fail with, the errors of connections too.
    if (WfloError.is(error) || !(error instanceof Error) || !('$metadata' in error)) throw error;
    if (isOurMistake(error)) throw error;
    if (BUSY_ERRORS.includes(error.name) || cancellationCodes(error).length > 0) throw ledgerBusy(error);
    throw new WfloError('ledger_unreachable', `the ledger could not be reached: ${error.name}`, {
      fix: 'try again; nothing was called',
      cause: error,
    });
  }
}

export function ledgerBusy(cause?: unknown): WfloError {
  return new WfloError('ledger_busy', 'the budgets of this call are being changed by too many others', {
    fix: 'try again in a second',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Bounds what is tried again because something else came first, such as opening a window. */
export function* turns(): Generator<number> {
  for (let turn = 0; turn < 20; turn += 1) yield turn;
}
