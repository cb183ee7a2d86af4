/** A phase of `local up`, `local down`, `deploy` or `destroy`. */
export type Phase =
  | 'python'
  | 'install'
  | 'dependencies'
  | 'images'
  | 'emulator'
  | 'bootstrap'
  | 'synth'
  | 'deploy'
  | 'operator'
  | 'people'
  | 'gateway'
  | 'sandbox-host'
  | 'wait'
  | 'reset'
  | 'check'
  | 'leftovers'
  | 'destroy'
  | 'data';

/** `skipped`: there was nothing to do. A phase that fails has no message: the function throws. */
export type PhaseState = 'started' | 'done' | 'skipped';

export interface ProgressMessage {
  readonly phase: Phase;
  readonly state: PhaseState;
  /** One line for people, without a trailing full stop, such as `Deploying 3 stacks`. */
  readonly text: string;
  /** How long the phase took; only with `done`. */
  readonly milliseconds?: number;
}

export type Report = (message: ProgressMessage) => void;

/** Runs one phase between its `started` and `done` messages. `done` may tell more than `started` knew. */
export async function inPhase<T>(
  report: Report,
  phase: Phase,
  text: string,
  work: () => Promise<T>,
  doneText: (result: T) => string = () => text,
): Promise<T> {
  const began = performance.now();
  report({ phase, state: 'started', text });
  const result = await work();
  report({ phase, state: 'done', text: doneText(result), milliseconds: Math.round(performance.now() - began) });
  return result;
}
