/**
 * The local AWS as library functions: each returns data and reports its progress through `report`. `lib/cli` and the
 * e2e tests build on this file alone.
 */
export type * from './contract.ts';
export { doctor } from './doctor.ts';
export { localDown } from './local-down.ts';
export { localReset } from './local-reset.ts';
export { type LocalCredentials, type LocalState, readLocalState } from './local-state.ts';
export { localStatus } from './local-status.ts';
export { localUp } from './local-up.ts';
export type { Phase, PhaseState, ProgressMessage, Report } from './progress.ts';
export { requireRunning } from './require-running.ts';
