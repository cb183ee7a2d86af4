/** A stage in an AWS account as library functions: each returns data and reports its progress. `lib/cli` builds on this file alone. */
export type * from './contract.ts';
export { deploy } from './deploy.ts';
export { destroy } from './destroy.ts';
export type { Kind, Leftover } from './inventory.ts';
