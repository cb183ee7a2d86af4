import type { RateLimits } from '../budget/ledger.ts';
import { canonicalJson, type Json, sha256 } from '../json.ts';
import type { WorkspaceObject } from '../sandbox/protocol.ts';
import type { ApprovalPolicy } from '../workflow/definition.ts';

/**
 * The frozen payload of an attempt: everything that decides what will run. It does not name the attempt, so that
 * a repeat of the same work has the same hash. The claim recomputes the hash from the stored bytes.
 */
export type Payload = SandboxPayload | LambdaPayload | GatePayload;

interface PayloadBase {
  readonly schema: number;
  readonly executionId: string;
  readonly workflow: string;
  readonly definitionHash: string;
  readonly path: string;
}

interface ActingPayload extends PayloadBase {
  readonly timeoutSeconds: number;
  /** Absent: nobody has to approve it. A claim believes this and no other record of it. */
  readonly approval?: ApprovalPolicy;
  /** Path of the gate whose subject the input must be. */
  readonly requires?: string;
}

export interface SandboxPayload extends ActingPayload {
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
  /** The models that it may call; absent: none. */
  readonly models?: readonly string[];
  readonly rate?: RateLimits;
}

export interface LambdaPayload extends ActingPayload {
  readonly kind: 'lambda';
  readonly functionArn: string;
  readonly with: Json;
}

/** What a stand-alone gate asks approval for. */
export interface GatePayload extends PayloadBase {
  readonly kind: 'approval';
  readonly subject: Json;
  readonly approval: ApprovalPolicy;
}

/** The value that a gate must have approved: what a `lambda` step gets, or the input of a sandbox. */
export function subjectOf(payload: SandboxPayload | LambdaPayload): Json {
  return payload.kind === 'lambda' ? payload.with : payload.input;
}

/** Hex SHA-256 over the canonical JSON of a payload. */
export function payloadHash(payload: Payload): string {
  return sha256(canonicalJson(payload));
}
