declare const WORKSPACE: unique symbol;

/** The folder that a step leaves behind, for the option `workspace` of a later sandbox step. It is no value. */
export interface WorkspaceRef {
  readonly [WORKSPACE]: true;
}

/** Hears of a workspace that is becoming text; the answer is the text, by which it can be found again. */
export interface WorkspaceObserver {
  workspaceBecameText(step: string): string;
}

interface WorkspaceIdentity {
  readonly step: string;
  readonly observer: WorkspaceObserver;
}

/** Known by identity, as references to values are: nothing in the data of a user can look like one. */
const identities = new WeakMap<object, WorkspaceIdentity>();

export function workspaceIdentity(value: unknown): WorkspaceIdentity | undefined {
  return typeof value === 'object' && value !== null ? identities.get(value) : undefined;
}

/** The workspace of a step, by the name of the step. */
export function makeWorkspaceRef(step: string, observer: WorkspaceObserver): WorkspaceRef {
  const toText = (): string => observer.workspaceBecameText(step);
  const ref: object = Object.freeze(Object.create(null, { toString: { value: toText }, toJSON: { value: toText } }));
  identities.set(ref, { step, observer });
  return ref as WorkspaceRef;
}
