import type { Written } from '../../lib/approvals/transitions.ts';
import { buildEvent } from '../../lib/audit/build-event.ts';
import { WfloError } from '../../lib/errors.ts';
import { type ClaimDecision, claimChanges, decideClaim } from '../../lib/execution/claim.ts';
import { permitClaim } from '../../lib/execution/claim-permission.ts';
import { fenceLease } from '../../lib/execution/close-attempt.ts';
import { codeKey } from '../../lib/execution/machine.ts';
import { type Payload, payloadHash, type SandboxPayload } from '../../lib/execution/payload.ts';
import type { AttemptRecord, ExecutionRecord, LeaseRecord, Session } from '../../lib/execution/records.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import { canonicalJson, sha256 } from '../../lib/json.ts';
import { refusalOfTask } from '../../lib/sandbox/check-task.ts';
import { leaseCheckAt, sessionOf } from '../../lib/sandbox/lease.ts';
import {
  type ClaimAnswer,
  type ClaimRequest,
  HEARTBEAT_SECONDS,
  INLINE_LIMIT_BYTES,
  type Work,
} from '../../lib/sandbox/protocol.ts';
import { formatSessionToken } from '../../lib/sandbox/session-token.ts';
import { outcomeKey } from '../../lib/sandbox/upload-key.ts';
import { TryAgain } from './error-answer.ts';
import type { SandboxApiPorts } from './ports.ts';
import { recordRefusal, WorkRefused } from './refuse-work.ts';
import { comesFromElsewhere } from './source-address.ts';

/** The one moment in which a sandbox gets its work. `sourceIp`: where the call came from, as far as that is known. */
export function claim(ports: SandboxApiPorts, request: ClaimRequest, sourceIp?: string): Promise<ClaimAnswer> {
  return untilDecided(() => decideOnce(ports, request, sourceIp));
}

/** Undefined when what was decided no longer held at the commit. */
async function decideOnce(
  ports: SandboxApiPorts,
  request: ClaimRequest,
  sourceIp: string | undefined,
): Promise<ClaimAnswer | undefined> {
  const { executionId, path, attempt } = request;
  const now = ports.clock.now();
  const [execution, attemptRecord, lease] = await Promise.all([
    ports.store.getExecution(executionId),
    ports.store.getAttempt(executionId, path, attempt),
    ports.store.getLease(executionId, path, attempt),
  ]);
  const nonceHash = sha256(request.nonce);
  const decision = decideClaim(
    { execution, attempt: attemptRecord, lease },
    { leaseId: request.leaseId, codeHash: sha256(request.code), nonceHash, now },
  );
  if (decision.kind === 'conflict' && execution !== undefined && lease !== undefined) {
    if (!(await fence(ports, execution, lease, request.taskArn))) return undefined;
    ports.signals.count('ClaimConflict');
  }
  if (decision.kind !== 'claimed' && decision.kind !== 'repeat') {
    // `execution_closed` and `stale_epoch` are told to who has shown the code, and is merely late.
    if (decision.code === 'claim_refused') ports.signals.count('ClaimRefused');
    throw new WfloError(decision.code, decision.message);
  }

  const { payload, permission } = await provenWork(ports, request, decision, sourceIp);
  const work = await workOf(ports, payload, decision.attempt);
  const token = formatSessionToken(request, ports.ids.secret());
  const session = sessionOf(token, now);
  const committed =
    decision.kind === 'claimed'
      ? await commitClaim(ports, decision, permission, {
          taskArn: request.taskArn,
          outcomeKey: request.outcomeKey,
          nonceHash,
          session,
          now,
        })
      : await commitRepeat(ports, decision.lease, session, now);
  if (!committed) return undefined;
  return {
    sessionToken: token,
    sessionExpiresAt: session.expiresAt,
    epoch: decision.lease.epoch,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    outcomeUrl: await ports.blobs.outcomeUrl(outcomeKey(request, request.leaseId)),
    modelsUrl: ports.modelsUrl ?? '',
    work,
  };
}

function commitClaim(
  ports: SandboxApiPorts,
  found: { readonly execution: ExecutionRecord; readonly attempt: AttemptRecord; readonly lease: LeaseRecord },
  permission: Written,
  taken: {
    readonly taskArn: string;
    readonly outcomeKey: string;
    readonly nonceHash: string;
    readonly session: Session;
    readonly now: Date;
  },
): Promise<boolean> {
  const { execution, attempt, lease } = found;
  const { taskArn, outcomeKey, nonceHash, session, now } = taken;
  const about = {
    actor: { type: 'runner', id: taskArn, via: 'sandbox' },
    stepPath: lease.path,
    attempt: lease.attempt,
  } as const;
  return ports.store.commit({
    executionId: lease.executionId,
    changes: [
      ...claimChanges(attempt, lease, now, {
        taskArn,
        outcomeKey,
        nonceHash,
        session,
        lastHeartbeatAt: now.toISOString(),
        checkAt: leaseCheckAt(now),
      }),
      ...permission.changes,
    ],
    events: [
      ...permission.events,
      buildEvent(ports, execution, {
        type: 'sandbox.claimed',
        data: { leaseId: lease.leaseId, epoch: lease.epoch, taskArn },
        ...about,
      }),
      buildEvent(ports, execution, { type: 'step.started', data: {}, ...about }),
    ],
  });
}

/** The first answer may be in use after all, so its token stays valid. */
function commitRepeat(ports: SandboxApiPorts, lease: LeaseRecord, session: Session, now: Date): Promise<boolean> {
  return ports.store.commit({
    executionId: lease.executionId,
    changes: [
      {
        item: 'lease',
        path: lease.path,
        attempt: lease.attempt,
        set: {
          session,
          ...(lease.session === undefined ? {} : { previousSession: lease.session }),
          lastHeartbeatAt: now.toISOString(),
          checkAt: leaseCheckAt(now),
        },
        expect: {
          status: 'claimed',
          epoch: lease.epoch,
          ...(lease.nonceHash === undefined ? {} : { nonceHash: lease.nonceHash }),
        },
      },
    ],
    events: [],
  });
}

/** Two runners know the code, so neither is trusted any more. */
function fence(
  ports: SandboxApiPorts,
  execution: ExecutionRecord,
  lease: LeaseRecord,
  taskArn: string,
): Promise<boolean> {
  return ports.store.commit({
    executionId: lease.executionId,
    changes: [fenceLease(lease)],
    events: [
      buildEvent(ports, execution, {
        type: 'sandbox.claim_conflict',
        data: { leaseId: lease.leaseId },
        actor: { type: 'unverified', id: taskArn, via: 'sandbox' },
        stepPath: lease.path,
        attempt: lease.attempt,
      }),
    ],
  });
}

/** What the caller, who has shown lease and code, is to run. A refusal of the work itself is the end of its attempt. */
async function provenWork(
  ports: SandboxApiPorts,
  request: ClaimRequest,
  found: Extract<ClaimDecision, { readonly kind: 'claimed' | 'repeat' }>,
  sourceIp: string | undefined,
): Promise<{ readonly payload: SandboxPayload; readonly permission: Written }> {
  try {
    const payload = await frozenPayload(ports, found.attempt);
    await checkTask(ports, request, payload.taskDefinition, sourceIp);
    // A repeat was permitted, and consumed its approval, the first time.
    const permission =
      found.kind === 'claimed' ? await permitted(ports, request, found, payload) : { changes: [], events: [] };
    return { payload, permission };
  } catch (error) {
    if (WfloError.is(error)) {
      ports.signals.count('ClaimRefused');
      const { executionId, path, attempt } = request;
      const { code, message } = error;
      ports.signals.noticed('a claim with the right code was refused', { executionId, path, attempt, code, message });
    }
    if (error instanceof WorkRefused) await recordRefusal(ports, found, error);
    throw error;
  }
}

async function permitted(
  ports: SandboxApiPorts,
  { taskArn }: ClaimRequest,
  { execution, attempt }: Extract<ClaimDecision, { readonly kind: 'claimed' }>,
  payload: SandboxPayload,
): Promise<Written> {
  const { store: executions, people, clock, ids } = ports;
  try {
    const actor = { type: 'runner', id: taskArn, via: 'sandbox' } as const;
    return await permitClaim({ executions, people, clock, ids }, execution, attempt, payload, actor);
  } catch (error) {
    throw WfloError.is(error) ? new WorkRefused(error.code, error.message) : error;
  }
}

/** The stored payload, with its hash recomputed. */
async function frozenPayload(ports: SandboxApiPorts, attempt: AttemptRecord): Promise<SandboxPayload> {
  if (attempt.payload === undefined) throw new WfloError('claim_refused', 'the attempt has no payload');
  const payload = (await ports.blobs.get(attempt.executionId, attempt.payload).catch((error: unknown) => {
    if (!WfloError.is(error) || error.code !== 'payload_changed') throw error;
    throw new WorkRefused(error.code, error.message);
  })) as unknown as Payload;
  if (payloadHash(payload) !== attempt.payloadHash) {
    throw new WorkRefused('payload_changed', `the payload of ${attempt.path} no longer has its recorded hash`);
  }
  if (payload.kind !== 'sandbox') throw new WfloError('claim_refused', `${attempt.path} is not a sandbox step`);
  return payload;
}

async function checkTask(
  ports: SandboxApiPorts,
  request: ClaimRequest,
  taskDefinition: string,
  sourceIp: string | undefined,
): Promise<void> {
  const task = await ports.tasks.describe(request.taskArn);
  // ECS is eventually consistent: a task may ask before it can be described.
  if (task === undefined) throw new TryAgain('the task is not visible yet');
  const refusal = refusalOfTask(task, { cluster: ports.cluster, leaseId: request.leaseId, taskDefinition });
  if (refusal?.about === 'work') throw new WorkRefused('claim_refused', refusal.message);
  if (refusal !== undefined) throw new WfloError('claim_refused', refusal.message);
  if (comesFromElsewhere(sourceIp, task)) {
    // Not a refusal: what API Gateway says of a caller behind an interface endpoint is not a proof.
    ports.signals.count('ClaimSourceDiffers');
    const { executionId, path, attempt, taskArn } = request;
    const { privateIpv4 } = task;
    ports.signals.noticed('a claim came from another address than its task has', {
      ...{ executionId, path, attempt, taskArn },
      ...{ sourceIp, privateIpv4 },
    });
  }
}

async function workOf(ports: SandboxApiPorts, payload: SandboxPayload, attempt: AttemptRecord): Promise<Work> {
  return {
    command: payload.command,
    env: payload.env,
    timeoutSeconds: payload.timeoutSeconds,
    payloadHash: payloadHash(payload),
    input: await inputOf(ports, payload, attempt),
    code:
      payload.codeSha256 === ''
        ? null
        : { url: await ports.blobs.downloadUrl(codeKey(payload.codeSha256)), sha256: payload.codeSha256 },
    workspace:
      payload.workspace === undefined
        ? null
        : { url: await ports.blobs.downloadUrl(payload.workspace.key), sha256: payload.workspace.sha256 },
    keepWorkspace: payload.keepWorkspace === true,
  };
}

/** A large input is stored once more by itself: the payload around it is not the agent's business. */
async function inputOf(
  ports: SandboxApiPorts,
  payload: SandboxPayload,
  attempt: AttemptRecord,
): Promise<Work['input']> {
  if (Buffer.byteLength(canonicalJson(payload.input)) <= INLINE_LIMIT_BYTES) return { inline: payload.input };
  const handle = await ports.blobs.put(payload.executionId, `input/${attempt.path}/${attempt.attempt}`, payload.input);
  return { url: await ports.blobs.downloadUrl(handle.key), sha256: handle.sha256 };
}
