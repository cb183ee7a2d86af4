import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { EXIT_CODE_RUNNER_ERROR } from '../../../lib/sandbox/exit.ts';
import type { CompleteRequest, WorkspaceObject } from '../../../lib/sandbox/protocol.ts';
import { type ApiClient, Refused } from './api-client.ts';
import type { RunnerEnvironment } from './environment.ts';
import { type PackedWorkspace, packWorkspace } from './pack-workspace.ts';
import { isRetryableStatus, Retryable, request, retry } from './retry.ts';
import type { Timings } from './timings.ts';
import { agentUser, workspaceAt } from './workspace.ts';
import { WorkspaceRefused } from './workspace-tree.ts';

/** The sandbox API takes messages of this many characters. */
const MESSAGE_LIMIT = 4_000;

type Outcome = Pick<CompleteRequest, 'exit' | 'output' | 'outputError' | 'workspace' | 'workspaceError'>;

export interface DeliveryOptions {
  readonly environment: RunnerEnvironment;
  readonly api: ApiClient;
  readonly timings: Timings;
  /** A line for the log of the step. */
  readonly note: (text: string) => void;
}

/**
 * Packs and uploads the workspace that a later step may begin with, and adds it to the outcome of an agent that ended
 * well. What cannot be carried on is said in the outcome; where the upload fails, the outcome is a failure of the
 * runner. The root must have been taken back. Throws `Refused` where this runner no longer acts.
 */
export async function addWorkspace(outcome: Outcome, options: DeliveryOptions): Promise<Outcome> {
  if (outcome.exit.reason !== 'ok') return outcome;
  try {
    return { ...outcome, workspace: await deliver(options) };
  } catch (error) {
    if (error instanceof Refused && error.status === 409) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof WorkspaceRefused) {
      options.note(message);
      return { ...outcome, workspaceError: { code: error.code, message: message.slice(0, MESSAGE_LIMIT) } };
    }
    const failure = `the workspace could not be kept: ${message}`.slice(0, MESSAGE_LIMIT);
    options.note(failure);
    return { ...outcome, exit: { reason: 'runner_error', code: EXIT_CODE_RUNNER_ERROR, message: failure } };
  }
}

async function deliver({ environment, api, timings }: DeliveryOptions): Promise<WorkspaceObject> {
  const { root } = environment;
  const folder = workspaceAt(root).carried;
  const packed = await packWorkspace({ folder, root, agentUid: agentUser(environment) });
  try {
    return await upload(api, packed, timings);
  } finally {
    await packed.remove();
  }
}

/** Sends the archive from the disk, by a presigned URL that is asked for again when it has expired. */
async function upload(api: ApiClient, packed: PackedWorkspace, timings: Timings): Promise<WorkspaceObject> {
  const { file, sha256, bytes } = packed;
  return retry(
    async () => {
      const target = await api.urls({ purpose: 'workspace', bytes, sha256 }, { withinMs: timings.fetchMs });
      const content = createReadStream(file);
      try {
        const response = await request(
          'workspace upload',
          target.url,
          {
            method: 'PUT',
            // S3 takes no body of unknown length, and a stream has one only where it is said.
            headers: { ...target.headers, 'content-length': String(bytes) },
            body: Readable.toWeb(content) as ReadableStream<Uint8Array>,
            duplex: 'half',
          } as RequestInit,
          timings.deliveryMs,
        );
        await response.body?.cancel();
        if (response.ok) return { key: target.key, sha256, bytes };
        // 403: the URL has expired, or its signer's session has ended; another one may do.
        if (isRetryableStatus(response.status) || response.status === 403) {
          throw new Retryable(`workspace upload: status ${response.status}`);
        }
        throw new Error(`the workspace could not be uploaded: status ${response.status}`);
      } finally {
        content.destroy();
      }
    },
    { withinMs: timings.deliveryMs, backoffMs: timings.backoffMs },
  );
}
