import type { FreezeView } from '../client/api.ts';
import { type Style, visible } from './style.ts';
import { instantText } from './times.ts';

export interface FreezeScope {
  readonly all: boolean;
  readonly workflows: readonly string[];
  readonly tenants: readonly string[];
}

/** `everything`, or `workflow report, tenant acme`; empty for nothing. */
export function scopeText({ all, workflows, tenants }: FreezeScope): string {
  return [
    ...(all ? ['everything'] : []),
    ...workflows.map((workflow) => `workflow ${workflow}`),
    ...tenants.map((tenant) => `tenant ${tenant}`),
  ].join(', ');
}

export function freezeLines(view: FreezeView, style: Style): readonly string[] {
  const scope = scopeText(view);
  if (scope === '') return ['nothing is frozen'];
  const who = view.by === undefined ? '' : ` by ${visible(view.by.id)}`;
  const when = view.at === undefined ? '' : ` at ${instantText(view.at)}`;
  return [
    `${style('red', 'frozen')}: ${visible(scope)}`,
    ...(view.reason === '' ? [] : [`  ${visible(view.reason)}`]),
    ...(who + when === '' ? [] : [`  last changed${who}${when}`]),
  ];
}
