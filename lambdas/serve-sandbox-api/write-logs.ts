import type { LogLine } from '../../lib/sandbox/protocol.ts';
import type { LeaseAddress } from '../../lib/sandbox/session-token.ts';
import type { SandboxApiPorts } from './ports.ts';

/** False where the lines could not be written: nothing of a sandbox may end because CloudWatch Logs is away. */
export async function writeLogs(
  ports: SandboxApiPorts,
  { executionId, path, attempt }: LeaseAddress,
  lines: readonly LogLine[],
): Promise<boolean> {
  try {
    await ports.logs.write(executionId, path, attempt, lines);
    return true;
  } catch (error) {
    ports.signals.count('LogsNotWritten');
    ports.signals.failed('logs', error);
    return false;
  }
}
