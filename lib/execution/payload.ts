import { canonicalJson, type Json, sha256 } from '../json.ts';
import type { WorkspaceObject } from '../sandbox/protocol.ts';

/**
 * The frozen payload of an attempt: everything that decides what will run. It does not name the attempt, so that
 * a repeat of the same work has the same hash. The claim recomputes the hash from the stored bytes.
 */
export type Payload = SandboxPayload | LambdaPayload;

interface PayloadBase {
  readonly schema: number;
  readonly executionId: string;
  readonly workflow: string;
  readonly definitionHash: string;
  readonly path: string;
  readonly timeoutSeconds: number;
}

export interface SandboxPayload extends PayloadBase {
  readonly kind: 'sandbox';
  readonly image: string;
  readonly taskDefinition: string;
  readonly codeSha256: string;
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly input: Json;
  /** What the workspace begins with; absent: nothing. */
  readonly workspace?: WorkspaceObject;
  /** Absent: the workspace ends with the step. */
  readonly keepWorkspace?: true;
}

export interface LambdaPayload extends PayloadBase {
  readonly kind: 'lambda';
  readonly functionArn: string;
  readonly with: Json;
}

/** Hex SHA-256 over the canonical JSON of a payload. */
export function payloadHash(payload: Payload): string {
  return sha256(canonicalJson(payload));
}
