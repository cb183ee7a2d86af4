/**
 * What a person may do in its tenant. Approving is no role: the groups of a gate say who may. `docs/authorization.md`
 * is the table of every route.
 */
export const ROLES = ['viewer', 'operator', 'budget-owner', 'auditor', 'administrator'] as const;
export type Role = (typeof ROLES)[number];
