import type { Actor } from './records.ts';

/** The graph: what a state of the machine made happen. */
export const GRAPH: Actor = { type: 'system', id: 'wflo', via: 'step-functions' };
/** The scheduled checks. */
export const RECONCILER: Actor = { type: 'system', id: 'wflo', via: 'reconcile' };
/** Whoever started or stopped an execution past the control API: nothing proves who. */
export const UNVERIFIED: Actor = { type: 'unverified', id: 'unknown', via: 'step-functions' };

/** Of executions that were started past the control API. A deployment has one tenant. */
export const DEFAULT_TENANT = 'default';
