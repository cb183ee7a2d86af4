import { buildEvent } from '../audit/build-event.ts';
import { type ErrorData, WfloError } from '../errors.ts';
import type { BlobStore, Clock, ExecutionStore, Ids } from '../ports.ts';
import { type Completion, completionHash } from '../sandbox/completion-hash.ts';
import { parseOutput } from '../sandbox/parse-output.ts';
import type { WorkspaceObject } from '../sandbox/protocol.ts';
import { outputUploadKey, workspaceKey } from '../sandbox/upload-key.ts';
import type { ExecutionRecord, Handle, LeaseRecord } from './records.ts';
import { ACTIVE } from './status.ts';

export interface CompletionPorts {
  readonly store: ExecutionStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * The one place where the outcome of a sandbox becomes its attempt's: whoever calls has proven that the completion is
 * the lease's. False when something changed since `execution` and `lease` were read: nothing was recorded. Throws
 * `invalid_request` where an upload is missing, or is not this attempt's.
 */
export async function recordCompletion(
  ports: CompletionPorts,
  { execution, lease }: { readonly execution: ExecutionRecord; readonly lease: LeaseRecord },
  completion: Completion,
): Promise<boolean> {
  const { executionId, path, attempt } = lease;
  const { exit, usage } = completion;
  const kept = await keep(ports.blobs, lease, completion);
  return ports.store.commit({
    executionId,
    changes: [
      { item: 'execution', expect: { status: { oneOf: ACTIVE } } },
      {
        item: 'attempt',
        path,
        attempt,
        set: { status: 'exited', exit, usage, ...kept, exitedAt: ports.clock.now().toISOString() },
        expect: { status: 'running' },
      },
      {
        item: 'lease',
        path,
        attempt,
        set: { status: 'completed', completionHash: completionHash(completion) },
        remove: ['checkAt'],
        expect: { status: 'claimed', epoch: lease.epoch },
      },
    ],
    events: [
      buildEvent(ports, execution, {
        type: 'sandbox.exited',
        data: { exit, usage, ...(kept.output === undefined ? {} : { outputSha256: kept.output.sha256 }) },
        actor: { type: 'runner', id: lease.taskArn ?? '', via: 'sandbox' },
        stepPath: path,
        attempt,
      }),
    ],
  });
}

interface Kept {
  readonly output?: Handle;
  readonly workspace?: WorkspaceObject;
  /** Why the step fails although the agent may have ended well. */
  readonly error?: ErrorData;
}

async function keep(blobs: BlobStore, lease: LeaseRecord, completion: Completion): Promise<Kept> {
  const output = await keepOutput(blobs, lease, completion);
  // Where the agent or its output failed, that says why, and no later step needs the workspace.
  if (completion.exit.reason !== 'ok' || output.error !== undefined) return output;
  const { workspace, workspaceError } = completion;
  if (workspaceError !== undefined) return { ...output, error: workspaceError };
  if (workspace === undefined) return output;
  if (workspace.key !== workspaceKey(lease.executionId, workspace.sha256)) throw notOurs(workspace.key);
  await blobs.checkUpload(workspace.key, workspace.bytes, workspace.sha256);
  return { ...output, workspace };
}

async function keepOutput(blobs: BlobStore, lease: LeaseRecord, completion: Completion): Promise<Kept> {
  const { exit, output, outputError } = completion;
  // Where the agent failed anyway, its exit says why, and what it left behind does not matter.
  const failed = exit.reason !== 'ok';
  if (outputError !== undefined) return failed ? {} : { error: outputError };
  if (output === null) return {};
  const parsed = parseOutput(await outputText(blobs, lease, output));
  if (!parsed.ok) return failed ? {} : { error: parsed.error };
  const name = `output/${lease.path}/${lease.attempt}`;
  return { output: await blobs.put(lease.executionId, name, parsed.value) };
}

async function outputText(
  blobs: BlobStore,
  lease: LeaseRecord,
  output: NonNullable<Completion['output']>,
): Promise<string> {
  if ('text' in output) return output.text;
  if (output.key !== outputUploadKey(lease, output.sha256)) throw notOurs(output.key);
  return blobs.getUpload(output.key, output.bytes, output.sha256);
}

function notOurs(key: string): WfloError {
  return new WfloError('invalid_request', `${key} is not an upload of this attempt`);
}
