import { WfloError } from '../../lib/errors.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { isRenewalDue, leaseCheckAt, sessionOf } from '../../lib/sandbox/lease.ts';
import type { HeartbeatAnswer, HeartbeatRequest } from '../../lib/sandbox/protocol.ts';
import { formatSessionToken } from '../../lib/sandbox/session-token.ts';
import { outcomeKey } from '../../lib/sandbox/upload-key.ts';
import type { SandboxApiPorts } from './ports.ts';
import { authorise, requireLive } from './session.ts';
import { writeLogs } from './write-logs.ts';

/** Keeps the lease, takes log lines, renews the token, and says when the agent has to end. */
export async function heartbeat(
  ports: SandboxApiPorts,
  request: HeartbeatRequest,
  authorization: string | undefined,
): Promise<HeartbeatAnswer> {
  const caller = await authorise(ports, authorization, request.epoch);
  requireLive(caller);
  const { address, lease, execution, presented } = caller;
  const now = ports.clock.now();
  const token = isRenewalDue(lease, presented, now) ? formatSessionToken(address, ports.ids.secret()) : undefined;
  const session = token === undefined ? undefined : sessionOf(token, now);
  const committed = await ports.store.commit({
    executionId: address.executionId,
    changes: [
      {
        item: 'lease',
        path: address.path,
        attempt: address.attempt,
        set: {
          lastHeartbeatAt: now.toISOString(),
          checkAt: leaseCheckAt(now),
          ...(session === undefined ? {} : { session, previousSession: presented }),
        },
        expect: { status: 'claimed', epoch: lease.epoch },
      },
    ],
    events: [],
  });
  if (!committed) throw new WfloError('stale_epoch', 'the lease was taken away');
  // After the sign of life, which must not depend on them: lines that cannot be written come with the next heartbeat.
  const logsWritten = await writeLogs(ports, address, request.logs);
  return {
    ...(token === undefined ? {} : { sessionToken: token }),
    sessionExpiresAt: (session ?? presented).expiresAt,
    outcomeUrl: await ports.blobs.outcomeUrl(outcomeKey(address, lease.leaseId)),
    logsWritten,
    ...stopOf(execution),
  };
}

function stopOf(execution: Awaited<ReturnType<typeof authorise>>['execution']): { stop?: string } {
  if (execution.ending !== undefined) return { stop: `the execution is ending: ${execution.ending.reason}` };
  return isFinal(execution.status) ? { stop: `the execution has ended as ${execution.status}` } : {};
}
