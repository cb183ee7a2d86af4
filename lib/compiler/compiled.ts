import type { JsonObject } from '../json.ts';
import type { Finding } from '../workflow/definition.ts';

/** What a workflow compiles to. Pure data: no CDK tokens, no file contents. */
export interface CompiledWorkflow {
  readonly name: string;
  readonly timeoutSeconds: number;
  /** The ASL document with its named placeholders. */
  readonly asl: JsonObject;
  /** `asl` as indented JSON text with a final newline: the golden file, and what is deployed. */
  readonly aslText: string;
  /** Hex SHA-256 of `aslText`; filled in as `${DefinitionHash}`. */
  readonly definitionHash: string;
  readonly sandboxes: readonly SandboxResource[];
  readonly functions: readonly FunctionResource[];
  /** Everything the state machine's role may do. */
  readonly permissions: readonly Permission[];
  /** Upper bound of the state's size in bytes, at most 200 KiB. */
  readonly stateBytes: number;
  /** Upper bound of history events of an execution without repeated attempts, at most 15,000. */
  readonly historyEvents: number;
  /** Mermaid flowchart. */
  readonly graph: string;
}

/** A sandbox step needs a task definition (`${TaskDefinition_<key>}`) and, with code, an archive (`${CodeSha256_<key>}`). */
export interface SandboxResource {
  readonly key: string;
  readonly path: string;
  readonly image: string;
  readonly cpu: number;
  readonly memoryMib: number;
  readonly timeoutSeconds: number;
  /** At most: one, and the retries. */
  readonly attempts: number;
  /** Folder relative to the workflow's folder; absent: `${CodeSha256_<key>}` becomes ''. */
  readonly code?: string;
}

/** A `lambda` step needs a function version (`${Function_<key>}`). */
export interface FunctionResource {
  readonly key: string;
  readonly path: string;
  /** File relative to the workflow's folder, or a version ARN. */
  readonly function: string;
  readonly memoryMib: number;
  readonly timeoutSeconds: number;
}

export interface Permission {
  readonly actions: readonly string[];
  /** Placeholders (`${PrepareStepFn}`, `${TaskDefinition_x}`, `${ExecutionRoles}`) or literal ARNs; `*` only where the service cannot name one. */
  readonly resources: readonly string[];
  readonly reason: string;
  /** IAM condition block. */
  readonly conditions?: JsonObject;
}

export type CompileResult =
  | { readonly ok: true; readonly compiled: CompiledWorkflow }
  | { readonly ok: false; readonly findings: readonly Finding[] };
