import type { AgentClaim } from '../execution/records.ts';
import type { Template } from '../workflow/template.ts';

/**
 * The fields of a payload that an agent wrote: every place that a reference to the output of a sandbox fills. People who
 * approve must not take them for anything that Wflo knows.
 */
export function agentClaims(
  fields: { readonly [field: string]: Template },
  isAgent: (step: string) => boolean,
): readonly AgentClaim[] {
  return Object.entries(fields).flatMap(([field, template]) => claimsIn(field, template, isAgent));
}

function claimsIn(field: string, template: Template, isAgent: (step: string) => boolean): readonly AgentClaim[] {
  if ('literal' in template) return [];
  if ('ref' in template) {
    const { source } = template.ref;
    return source.from === 'step' && isAgent(source.step) ? [{ field, step: source.step }] : [];
  }
  if ('text' in template) {
    const steps = new Set(template.text.flatMap((part) => claimsIn(field, part, isAgent).map(({ step }) => step)));
    return [...steps].map((step) => ({ field, step }));
  }
  if ('list' in template) return template.list.flatMap((part, index) => claimsIn(`${field}[${index}]`, part, isAgent));
  return Object.entries(template.object).flatMap(([name, part]) => claimsIn(`${field}.${name}`, part, isAgent));
}
