import type { CompleteRequest } from '../../lib/sandbox/protocol.ts';
import type { LeaseAddress } from '../../lib/sandbox/session-token.ts';
import type { SandboxApiPorts } from './ports.ts';
import { writeLogs } from './write-logs.ts';

/**
 * Writes down what a sandbox reported after its right to act was gone: its exit on the attempt, its lines in the log.
 * For people only: nothing decides by it. What cannot be written down is left, as the answer is the same.
 */
export async function keepLateResult(
  ports: SandboxApiPorts,
  address: LeaseAddress,
  request: CompleteRequest,
): Promise<void> {
  const { executionId, path, attempt } = address;
  ports.signals.count('LateResult');
  ports.signals.noticed('a sandbox reported after its right to act was gone', {
    ...address,
    epoch: request.epoch,
    exit: request.exit,
  });
  try {
    await ports.store.commit({
      executionId,
      changes: [
        { item: 'attempt', path, attempt, set: { lateExit: request.exit }, expect: { lateExit: { absent: true } } },
      ],
      events: [],
    });
  } catch (error) {
    ports.signals.failed('complete', error);
  }
  await writeLogs(ports, address, request.logs);
}
