import type { SandboxCase } from '../case.ts';
import { FILES } from './files.ts';
import { MODELS } from './models.ts';
import { NETWORK } from './network.ts';
import { PRIVILEGES } from './privileges.ts';
import { PROCESSES } from './processes.ts';
import { PROGRAMS } from './programs.ts';
import { RUNNER_CALLS } from './runner-calls.ts';

/** Every case, in the order of the document. */
export const CASES: readonly SandboxCase[] = [
  ...PROGRAMS,
  ...PRIVILEGES,
  ...PROCESSES,
  ...FILES,
  ...NETWORK,
  ...MODELS,
  ...RUNNER_CALLS,
];
