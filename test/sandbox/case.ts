import type { SandboxPayload } from '../../lib/execution/payload.ts';
import type { Exit } from '../../lib/sandbox/exit.ts';
import type { LogLine } from '../../lib/sandbox/protocol.ts';
import type { FakeGateway } from '../_helpers/fake-gateway.ts';
import type { World } from '../_helpers/runner-world.ts';
import type { Listener } from './listener.ts';

export type DriverName = 'process' | 'docker';

/** One agent that is run in a sandbox, with the exact end that it must have. */
export interface SandboxCase {
  /** Name of its test; `docs/security/sandbox.md` refers to it. */
  readonly name: string;
  readonly agent: Agent | ((place: Place) => Agent);
  readonly payload?: Partial<SandboxPayload>;
  /** Of the task; 256 where absent. */
  readonly memoryMiB?: number;
  readonly ends: Expectation;
  /** Where a driver does not do what Fargate does, with the reason: makes a row of the document. */
  readonly differs?: { readonly [driver in DriverName]?: Difference };
  /** Arranges what happens while the agent runs, before the sandbox is started. */
  arrange?(run: Run): void;
}

/** Where an agent is going to run. */
export interface Place {
  readonly driver: DriverName;
  readonly listener: Listener;
}

export interface Agent {
  readonly command: readonly string[];
  /** Files of the step's code, by name. */
  readonly files?: { readonly [name: string]: string };
  readonly image?: 'python' | 'node' | 'compiled' | 'hostile';
  readonly env?: { readonly [name: string]: string };
}

export interface Expectation {
  /** As recorded, without its message; null: none was recorded. */
  readonly exit: Omit<Exit, 'message'> | null;
  /** Exit code of the sandbox itself; 0 unless stated. */
  readonly sandbox?: number;
  /** The recorded output, exactly. Not looked at where it is not stated. */
  readonly output?: unknown;
  /** Code of the attempt's error; none unless stated. */
  readonly error?: string;
  /** What must hold besides, once the sandbox has ended. */
  holds?(after: Aftermath): void | Promise<void>;
}

export interface Difference {
  readonly why: string;
  /** What is seen with this driver, in a few words. */
  readonly here: string;
  /** Absent: the case is not run, because it would harm the machine or says nothing. */
  readonly ends?: Expectation;
}

/** A sandbox of one case. */
export interface Run {
  readonly driver: DriverName;
  readonly world: World;
  /** Of all cases of a driver; the path of a call may say whose it is. */
  readonly gateway: FakeGateway;
  readonly taskId: string;
  /** SIGKILL to the runner. */
  killRunner(): Promise<void>;
  /** Asks the sandbox to stop, as the cluster does. */
  stop(): void;
}

export interface Aftermath extends Run {
  readonly exit: Exit | undefined;
  readonly output: unknown;
  readonly logs: readonly LogLine[];
  text(stream: LogLine['stream']): string;
  /** From start to end, in milliseconds. */
  readonly wallMs: number;
}

/** A Python program as the step's code. */
export function python(source: string, more: Partial<Agent> = {}): Agent {
  return { command: ['python3', 'main.py'], files: { 'main.py': source }, image: 'python', ...more };
}

/** A Python program that writes what its expression `result` is in the end as its output. */
export function reporting(source: string, more: Partial<Agent> = {}): Agent {
  return python(`${source}\nimport json, os\njson.dump(result, open(os.environ['WFLO_OUTPUT'], 'w'))\n`, more);
}

export function bash(script: string, more: Partial<Agent> = {}): Agent {
  return { command: ['bash', 'main.sh'], files: { 'main.sh': script }, image: 'python', ...more };
}

export const OK: Expectation = { exit: { reason: 'ok', code: 0 } };
export const TIMED_OUT: Expectation = { exit: { reason: 'timed_out', code: 124 } };

/** An exit of 0 with exactly this output. */
export function okWith(output: unknown): Expectation {
  return { ...OK, output };
}
