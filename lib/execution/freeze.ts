import type { Freeze } from './records.ts';

/** Why nothing of this may begin: an emergency stop holds it. Undefined where none does. */
export function frozenReason(
  freeze: Freeze,
  { workflow, tenant }: { readonly workflow: string; readonly tenant: string },
): string | undefined {
  const held = [
    ...(freeze.all ? ['everything is frozen'] : []),
    ...(freeze.workflows.includes(workflow) ? [`the workflow ${workflow} is frozen`] : []),
    ...(freeze.tenants.includes(tenant) ? [`the tenant ${tenant} is frozen`] : []),
  ];
  return held.length === 0 ? undefined : `${held.join(', and ')}: ${freeze.reason}`;
}
