declare const WORKSPACE: unique symbol;
declare const GATE: unique symbol;

/** The folder that a step leaves behind, for the option `workspace` of a later sandbox step. It is no value. */
export interface WorkspaceRef {
  readonly [WORKSPACE]: true;
}

/** A stand-alone gate, for the option `requires` of the step that it protects. It is no value. */
export interface GateRef {
  readonly [GATE]: true;
}

export type HandedOnKind = 'workspace' | 'gate';

/** What a step hands on besides its output, by the name of the step. */
export interface HandedOn {
  readonly kind: HandedOnKind;
  readonly step: string;
}

/** Hears of a workspace or gate that is becoming text; the answer is the text, by which it can be found again. */
export interface HandedOnObserver {
  handedOnBecameText(what: HandedOn): string;
}

interface HandedOnIdentity extends HandedOn {
  readonly observer: HandedOnObserver;
}

/** Known by identity, as references to values are: nothing in the data of a user can look like one. */
const identities = new WeakMap<object, HandedOnIdentity>();

export function handedOnIdentity(value: unknown): HandedOnIdentity | undefined {
  return typeof value === 'object' && value !== null ? identities.get(value) : undefined;
}

export function handedOnText({ kind, step }: HandedOn): string {
  return kind === 'workspace' ? `the workspace of "${step}"` : `the gate "${step}"`;
}

/** Where it belongs, as an instruction. */
export const HANDED_ON_FIX: { readonly [K in HandedOnKind]: string } = {
  workspace: 'give it to the option `workspace` of a later sandbox step',
  gate: 'give it to the option `requires` of the step that it protects',
};

export function makeWorkspaceRef(step: string, observer: HandedOnObserver): WorkspaceRef {
  return make('workspace', step, observer) as WorkspaceRef;
}

export function makeGateRef(step: string, observer: HandedOnObserver): GateRef {
  return make('gate', step, observer) as GateRef;
}

function make(kind: HandedOnKind, step: string, observer: HandedOnObserver): object {
  const toText = (): string => observer.handedOnBecameText({ kind, step });
  const ref: object = Object.freeze(Object.create(null, { toString: { value: toText }, toJSON: { value: toText } }));
  identities.set(ref, { kind, step, observer });
  return ref;
}
