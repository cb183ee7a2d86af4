import type { EventsRequest } from '../../lib/sandbox/protocol.ts';
import type { SandboxApiPorts } from './ports.ts';
import { authorise, requireLive } from './session.ts';

/** Takes log lines between heartbeats. */
export async function events(
  ports: SandboxApiPorts,
  request: EventsRequest,
  authorization: string | undefined,
): Promise<Record<string, never>> {
  const caller = await authorise(ports, authorization, request.epoch);
  requireLive(caller);
  const { executionId, path, attempt } = caller.address;
  await ports.logs.write(executionId, path, attempt, request.logs);
  return {};
}
