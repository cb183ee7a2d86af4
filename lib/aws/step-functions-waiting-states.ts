import { SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type { WaitingStates } from '../ports.ts';

/** The state has ended, its time is over, or there never was such a token: trying again changes nothing. */
const GONE = ['TaskDoesNotExist', 'TaskTimedOut', 'InvalidToken'];

export function stepFunctionsWaitingStates({ sfn }: { readonly sfn: SFNClient }): WaitingStates {
  return {
    async resume(token, output) {
      try {
        await sfn.send(new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) }));
        return 'resumed';
      } catch (error) {
        if (error instanceof Error && GONE.includes(error.name)) return 'gone';
        throw error;
      }
    },
  };
}
