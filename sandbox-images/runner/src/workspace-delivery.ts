import { createReadStream } from 'node:fs';
import { EXIT_CODE_RUNNER_ERROR } from '../../../lib/sandbox/exit.ts';
import type { CompleteRequest, WorkspaceObject } from '../../../lib/sandbox/protocol.ts';
import { type ApiClient, Refused } from './api-client.ts';
import type { RunnerEnvironment } from './environment.ts';
import { packWorkspace } from './pack-workspace.ts';
import type { Timings } from './timings.ts';
import { upload } from './upload.ts';
import { agentUser, workspaceAt } from './workspace.ts';
import { WorkspaceRefused } from './workspace-tree.ts';

/** The sandbox API takes messages of this many characters. */
const MESSAGE_LIMIT = 4_000;

/** What is known of an outcome before its logs are. */
export type Outcome = Pick<CompleteRequest, 'exit' | 'output' | 'outputError' | 'workspace' | 'workspaceError'>;

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
  const { file, sha256, bytes } = packed;
  try {
    const open = () => createReadStream(file);
    return await upload(api, { purpose: 'workspace', bytes, sha256, open }, timings);
  } finally {
    await packed.remove();
  }
}
