import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { metaKey } from './state-keys.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * Counts events of the chain `tenant:<tenant>`, where the META item of an execution counts its own. There is nothing to
 * begin a chain with: the first event makes the item. It has no field of an execution, so it is in no index.
 */
export function tenantChainItem(TableName: string, chainId: string, events: number): TransactItem {
  return {
    Update: {
      TableName,
      Key: metaKey(chainId),
      UpdateExpression: 'ADD eventCount :events',
      ExpressionAttributeValues: { ':events': events },
    },
  };
}
