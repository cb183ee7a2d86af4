import type { Freeze } from './records.ts';

type Scope = Pick<Freeze, 'all' | 'workflows' | 'tenants'>;

/** Why nothing of this may begin: an emergency stop holds it. Undefined where none does. */
export function frozenReason(
  freeze: Freeze,
  { workflow, tenant }: { readonly workflow: string; readonly tenant: string },
): string | undefined {
  const held: Scope = {
    all: freeze.all,
    workflows: freeze.workflows.filter((name) => name === workflow),
    tenants: freeze.tenants.filter((name) => name === tenant),
  };
  const what = [
    ...(held.all ? ['everything is frozen'] : []),
    ...held.workflows.map((name) => `the workflow ${name} is frozen`),
    ...held.tenants.map((name) => `the tenant ${name} is frozen`),
  ];
  return what.length === 0 ? undefined : `${what.join(', and ')}: ${reasonOf(freeze, held)}`;
}

/** Every single thing that is stopped, as `reasons` of a freeze name it. */
export function scopesOf({ all, workflows, tenants }: Scope): readonly string[] {
  return [
    ...(all ? ['all'] : []),
    ...workflows.map((name) => `workflow ${name}`),
    ...tenants.map((name) => `tenant ${name}`),
  ];
}

/** Why `held` is stopped, which is all of a freeze or a part of it: every reason once. */
export function reasonOf({ reason, reasons }: Pick<Freeze, 'reason' | 'reasons'>, held: Scope): string {
  return [...new Set(scopesOf(held).map((scope) => reasons?.[scope] ?? reason))].join('; ');
}
