/**
 * The chain of events of a tenant: people, groups and emergency stops. It stands in the place of an execution, whose
 * id has the form `<workflow>:<name>`; no workflow is called `tenant`.
 */
export const TENANT_WORKFLOW = 'tenant';

export interface TenantChain {
  readonly executionId: string;
  readonly workflow: string;
  readonly traceId: string;
}

export function tenantChain(tenant: string): TenantChain {
  const executionId = `${TENANT_WORKFLOW}:${tenant}`;
  return { executionId, workflow: TENANT_WORKFLOW, traceId: executionId };
}
