/**
 * The runner protocol, version 1: JSON over HTTPS, `POST <api>/v1/<verb>`. The runner and the sandbox API both build
 * on these types. After the claim every call carries `authorization: Bearer <sessionToken>`. An answer other than
 * 2xx has the body `{ error: { code, message } }`; 409 means that this runner no longer acts (`stale_epoch`,
 * `claim_conflict`, `execution_closed`, `late_result`), or may not act at all (`not_approved`, `approval_stale`,
 * `payload_changed`, `frozen`), 401 an unknown or expired session, 400 a malformed request.
 */
import type { Json } from '../json.ts';
import type { Exit } from './exit.ts';

export { INLINE_LIMIT_BYTES } from '../execution/records.ts';

export const PROTOCOL_VERSION = 1;

/** Environment of the container, set by RunTask overrides. */
export const RUNNER_ENV = {
  api: 'WFLO_API',
  execution: 'WFLO_EXECUTION',
  step: 'WFLO_STEP',
  attempt: 'WFLO_ATTEMPT',
  lease: 'WFLO_LEASE',
  code: 'WFLO_CODE',
} as const;

/** Name of the container in every sandbox task definition. */
export const SANDBOX_CONTAINER = 'sandbox';

export const HEARTBEAT_SECONDS = 30;
export const SESSION_SECONDS = 15 * 60;
/** Same code and nonce get the same answer within this time. */
export const CLAIM_REPEAT_SECONDS = 120;
/** A lease without a heartbeat for this long is lost. */
export const LEASE_SILENT_SECONDS = 6 * 60;
/** What stdout and stderr may each add up to; the rest is counted and dropped. */
export const STREAM_LIMIT_BYTES = 5 * 1024 * 1024;
/** Log lines that one request may carry (bytes of the JSON text). */
export const LOG_CHUNK_BYTES = 256 * 1024;
/** The largest output file (10 MiB). */
export const OUTPUT_LIMIT_BYTES = 10 * 1024 * 1024;
/** The largest archive of a workspace that is carried on (256 MiB compressed). */
export const WORKSPACE_LIMIT_BYTES = 256 * 1024 * 1024;
/** The largest `outcome.json` that is read. Its text holds at most an inline output and an exit. */
export const OUTCOME_LIMIT_BYTES = 256 * 1024;

export interface ClaimRequest {
  readonly protocol: number;
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly leaseId: string;
  /** Bootstrap code. Visible in DescribeTasks, so alone it proves nothing. */
  readonly code: string;
  /** 32 random bytes of this runner process, base64url. */
  readonly nonce: string;
  /** From the task metadata endpoint. */
  readonly taskArn: string;
  /** Raw Ed25519 public key of this runner process, base64url: proves its `outcome.json`. */
  readonly outcomeKey: string;
}

export interface ClaimAnswer {
  readonly sessionToken: string;
  readonly sessionExpiresAt: string;
  readonly epoch: number;
  readonly heartbeatSeconds: number;
  /** Where `outcome.json` goes beside `complete`: a PUT URL without a signed length, renewed by every heartbeat. */
  readonly outcomeUrl: string;
  /** Base URL of the model gateway, without a slash at its end; '' where the deployment has none. */
  readonly modelsUrl: string;
  readonly work: Work;
}

export interface Work {
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly timeoutSeconds: number;
  readonly payloadHash: string;
  readonly input: { readonly inline: Json } | { readonly url: string; readonly sha256: string };
  /** Null where the step has no code. */
  readonly code: { readonly url: string; readonly sha256: string } | null;
  /** Archive that becomes the folder that `WFLO_WORKSPACE` names; null where it begins empty. */
  readonly workspace: { readonly url: string; readonly sha256: string } | null;
  /** That folder goes with `complete`, for a later step. */
  readonly keepWorkspace: boolean;
}

export interface LogLine {
  /** ISO 8601. */
  readonly at: string;
  readonly stream: 'stdout' | 'stderr' | 'runner';
  readonly text: string;
}

export interface HeartbeatRequest {
  readonly epoch: number;
  readonly logs: readonly LogLine[];
}

export interface HeartbeatAnswer {
  /** A renewed token, once half of the old one's life is over. */
  readonly sessionToken?: string;
  readonly sessionExpiresAt: string;
  readonly outcomeUrl: string;
  /** False: the lines could not be written, and come again with the next call. */
  readonly logsWritten: boolean;
  /** Set when the execution is ending: kill the agent and complete. */
  readonly stop?: string;
}

/** Log lines between heartbeats, when a chunk is full. */
export interface EventsRequest {
  readonly epoch: number;
  readonly logs: readonly LogLine[];
}

/** Asks for an upload URL that is bound to these bytes. */
export interface UrlsRequest {
  readonly epoch: number;
  readonly purpose: 'output' | 'workspace';
  readonly bytes: number;
  /** Hex SHA-256. */
  readonly sha256: string;
}

export interface UrlsAnswer {
  readonly url: string;
  /** To be sent exactly; they are part of the signature. */
  readonly headers: { readonly [name: string]: string };
  readonly key: string;
}

export interface Usage {
  readonly wallMs: number;
  readonly cpuMs?: number;
  readonly peakMemoryBytes?: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
}

export interface OutputError {
  readonly code: 'output_too_large' | 'invalid_output';
  readonly message: string;
}

/** A gzip tar in the artefact bucket. */
export interface WorkspaceObject {
  readonly key: string;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface WorkspaceError {
  readonly code: 'workspace_too_large' | 'invalid_workspace';
  readonly message: string;
}

export interface CompleteRequest {
  readonly epoch: number;
  readonly exit: Exit;
  /** Null where the agent wrote none. `text` is the file as written: the control plane parses it. */
  readonly output:
    | { readonly text: string }
    | { readonly key: string; readonly sha256: string; readonly bytes: number }
    | null;
  /** Why there is an output file that could not be taken; `output` is null then, and the exit stays the agent's own. */
  readonly outputError?: OutputError;
  /** The uploaded workspace, where the step keeps it and its agent ended well. */
  readonly workspace?: WorkspaceObject;
  /** Why the workspace could not be taken: the step fails with it. */
  readonly workspaceError?: WorkspaceError;
  readonly usage: Usage;
  readonly logs: readonly LogLine[];
}

export interface CompleteAnswer {
  readonly accepted: true;
  /** False: the outcome is recorded, and the lines may be sent again by the same completion. */
  readonly logsWritten: boolean;
}

/**
 * `outcome.json`, left while `complete` is offered, so that an outcome outlives a control plane that does not answer.
 * `body` is the JSON text of an `OutcomeBody`, `signature` the Ed25519 signature of its UTF-8 bytes, base64url.
 */
export interface SignedOutcome {
  readonly body: string;
  readonly signature: string;
}

export interface OutcomeBody {
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  readonly leaseId: string;
  /** As it goes with `complete`, without its log lines. Its `epoch` is the one that it is valid for. */
  readonly completion: Omit<CompleteRequest, 'logs'>;
}

export interface ProtocolError {
  readonly error: { readonly code: string; readonly message: string };
}
