import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Names of errors of S3 and DynamoDB where IAM refuses; a missing object of a bucket that may not be listed is one too.
 */
const REFUSALS = ['AccessDenied', 'AccessDeniedException', 'Forbidden'];

export interface Patience {
  readonly attempts: number;
  /** Waits between two attempts. */
  readonly pause: () => Promise<unknown>;
}

/** A minute; functions of deployments have two. */
const PATIENCE: Patience = { attempts: 13, pause: () => sleep(5000) };

/**
 * Calls again while IAM refuses. CloudFormation calls as soon as a policy is written, and it takes seconds until a new
 * statement counts everywhere; a deployment must not fail for that. The last refusal is thrown.
 */
export async function untilAllowed<T>(call: () => Promise<T>, { attempts, pause }: Patience = PATIENCE): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const refused = error instanceof Error && REFUSALS.includes(error.name);
      if (!refused || attempt >= attempts) throw error;
    }
    await pause();
  }
}
