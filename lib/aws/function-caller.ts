import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Json } from '../json.ts';

export interface FunctionCaller {
  /** Hands an event to another function of the platform, and does not wait for it. */
  begin(functionName: string, event: Json): Promise<void>;
}

/** Lambda keeps the event and repeats a call that fails (InvocationType `Event`). */
export function lambdaFunctionCaller({ client }: { readonly client: LambdaClient }): FunctionCaller {
  return {
    async begin(FunctionName, event) {
      const Payload = Buffer.from(JSON.stringify(event));
      await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
    },
  };
}
