import type { CompleteRequest, OutcomeBody } from '../../../lib/sandbox/protocol.ts';
import type { OutcomeSigner } from '../../../lib/sandbox/sign-outcome.ts';
import { type ApiClient, Refused } from './api-client.ts';
import type { RunnerEnvironment } from './environment.ts';
import { request } from './http-request.ts';
import { Retryable, retry } from './retry.ts';
import type { Timings } from './timings.ts';

export interface OutcomeDelivery {
  readonly environment: RunnerEnvironment;
  readonly api: ApiClient;
  readonly signer: OutcomeSigner;
  readonly timings: Timings;
  /** The runner's own diagnostics. */
  readonly report: (text: string) => void;
}

/**
 * Offers the outcome to the control plane and, at the same time so that it costs none, leaves it signed as
 * `outcome.json`: an outcome outlives a control plane that does not answer, and a runner that is killed while it waits.
 * Throws where the control plane has not accepted it, `Refused` where it does not want it.
 */
export async function deliverOutcome(
  outcome: Omit<CompleteRequest, 'epoch'>,
  delivery: OutcomeDelivery,
): Promise<void> {
  const { api, timings, report } = delivery;
  const settled = new AbortController();
  const left = leaveOutcome(outcome, delivery, settled.signal).catch((error: unknown) => {
    if (!settled.signal.aborted) report(error instanceof Error ? error.message : String(error));
  });
  try {
    const { logsWritten } = await api.complete(outcome, { withinMs: timings.deliveryMs });
    settled.abort();
    if (!logsWritten) await repeatForLogs(outcome, delivery);
  } catch (error) {
    if (error instanceof Refused) settled.abort();
    throw error;
  } finally {
    await left;
  }
}

async function leaveOutcome(
  { logs: _, ...completion }: Omit<CompleteRequest, 'epoch'>,
  { environment, api, signer, timings }: OutcomeDelivery,
  settled: AbortSignal,
): Promise<void> {
  const { executionId, path, attempt, leaseId } = environment;
  const body: OutcomeBody = {
    executionId,
    path,
    attempt,
    leaseId,
    completion: { ...completion, epoch: api.epoch },
  };
  const text = JSON.stringify(signer.sign(body));
  await retry(
    async () => {
      const init = { method: 'PUT', body: text, signal: settled } as const;
      const response = await request('outcome.json', api.outcomeUrl, init, timings.requestMs);
      response.discard();
      if (!response.ok) throw new Retryable(`outcome.json: status ${response.status}`);
    },
    { withinMs: timings.deliveryMs, backoffMs: timings.backoffMs, giveUp: settled },
  );
}

/** The same completion again, which is accepted again and writes what it could not write before. */
async function repeatForLogs(
  outcome: Omit<CompleteRequest, 'epoch'>,
  { api, timings, report }: OutcomeDelivery,
): Promise<void> {
  const window = { withinMs: timings.lastLogsMs, backoffMs: timings.backoffMs };
  try {
    await retry(async () => {
      const { logsWritten } = await api.complete(outcome, { withinMs: timings.lastLogsMs });
      if (!logsWritten) throw new Retryable('the last log lines could not be written');
    }, window);
  } catch (error) {
    // The outcome is recorded: lines that are lost do not change it.
    report(error instanceof Error ? error.message : String(error));
  }
}
