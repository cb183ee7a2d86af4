import type { ControlApiClient } from '../client/client.ts';
import type { Invocation } from './invocation.ts';
import type { Output } from './output.ts';
import type { Target } from './target.ts';

export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** What stands for the value in the usage, such as `JSON|@file`; absent for a flag. */
  readonly value?: string;
  readonly summary: string;
  /** The command line is wrong without it. */
  readonly required?: true;
  /** May be given several times; read with `values`. */
  readonly many?: true;
}

/** Every positional is required, but for a last one with `many`. */
export interface PositionalSpec {
  readonly name: string;
  readonly summary: string;
  /** Takes all words that are left, which may be none; read with `values`. */
  readonly many?: true;
}

export interface Example {
  readonly command: string;
  readonly shows: string;
}

/** One verb, as data: help, `docs/cli.md` and the parser are all made from it. */
export interface Command {
  /** One or two words: `run`, `audit verify`. */
  readonly name: string;
  readonly summary: string;
  /** More than the summary says, where there is more to know. */
  readonly description?: string;
  readonly positionals: readonly PositionalSpec[];
  /** Besides `--json` and `--help`, which every command has. */
  readonly options: readonly OptionSpec[];
  /** What `--json` prints. */
  readonly json: string;
  readonly examples: readonly Example[];
  /** Returns after the work is done; throws a `WfloError` where it failed. */
  readonly run: (invocation: Invocation, context: Context) => Promise<void>;
}

/** What a command has from outside. */
export interface Context {
  readonly output: Output;
  readonly env: { readonly [name: string]: string | undefined };
  /** The folder with `cdk.json`, `state-machines/` and `.wflo/`. */
  readonly projectDir: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly connect: (target: Target) => Promise<ControlApiClient>;
  /** `private` or `open`; undefined where there is none or it is not known. */
  readonly networkMode: (target: Target) => Promise<string | undefined>;
}

/** Options of every command that calls the control API of a deployment. */
export const TARGET_OPTIONS: readonly OptionSpec[] = [
  { name: 'local', summary: 'use the local AWS of this folder (as WFLO_TARGET=local does)' },
  { name: 'stage', value: 'STAGE', summary: 'the deployed stage (default: WFLO_STAGE, then cdk.json, then dev)' },
  {
    name: 'as',
    value: 'PERSON',
    summary: 'with the local AWS: as this person, one of those that `wflo local up` made',
  },
];

export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'print JSON instead of text' },
  { name: 'help', summary: 'show this help' },
];

export function optionsOf(command: Command): readonly OptionSpec[] {
  return [...command.options, ...COMMON_OPTIONS];
}

export const EXECUTION: PositionalSpec = {
  name: 'execution',
  summary: 'an execution id, <workflow>:<name>, as `wflo list` prints it',
};

export const APPROVAL: PositionalSpec = {
  name: 'approval',
  summary: 'an approval id as `wflo approvals` prints it, or the id of an execution that waits for one approval',
};
