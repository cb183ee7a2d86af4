import type { FreezeRequest } from '../../client/api.ts';
import { type Command, type OptionSpec, TARGET_OPTIONS } from '../command.ts';
import { type Invocation, usage } from '../invocation.ts';
import { freezeLines } from '../render-freeze.ts';
import { targetOf } from '../target.ts';

const JSON_TEXT = 'what is frozen then: `{ version, all, workflows, tenants, reason, by?, at? }`';

export const freeze: Command = {
  name: 'freeze',
  summary: 'emergency stop; without a scope, show what is stopped',
  description:
    'Of what is named, nothing begins any more, and sandboxes that act lose their right to. It holds until `wflo unfreeze`.',
  positionals: [],
  options: [
    ...scopeOptions('stop'),
    { name: 'reason', value: 'REASON', summary: 'why; required with a scope' },
    ...TARGET_OPTIONS,
  ],
  json: JSON_TEXT,
  examples: [
    { command: 'wflo freeze', shows: 'what is stopped now' },
    { command: `wflo freeze --workflow data-processor --reason 'writes wrong rows'`, shows: 'stop one workflow' },
    { command: `wflo freeze --all --reason 'credentials leaked'`, shows: 'stop the whole deployment' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const scope = scopeOf(invocation);
    const reason = invocation.value('reason');
    if (scope !== undefined && reason === undefined) throw usage('--reason is missing', 'say why: --reason REASON');
    if (scope === undefined && reason !== undefined) throw usage('nothing to stop is named', SCOPE_FIX);
    const client = await connect(targetOf(invocation, env));
    const view =
      scope === undefined || reason === undefined
        ? await client.frozen({ signal })
        : await client.freeze({ ...scope, reason }, { signal });
    output.result(view, () => freezeLines(view, output.style));
  },
};

export const unfreeze: Command = {
  name: 'unfreeze',
  summary: 'end an emergency stop',
  description: 'What was stopped begins again from here on; what lost its right to act does not get it back.',
  positionals: [],
  options: [...scopeOptions('release'), ...TARGET_OPTIONS],
  json: JSON_TEXT,
  examples: [{ command: 'wflo unfreeze --workflow data-processor', shows: 'what else is stopped stays so' }],
  async run(invocation, { connect, env, output, signal }) {
    const scope = scopeOf(invocation);
    if (scope === undefined) throw usage('nothing to release is named', SCOPE_FIX);
    const client = await connect(targetOf(invocation, env));
    const view = await client.unfreeze(scope, { signal });
    output.result(view, () => freezeLines(view, output.style));
  },
};

const SCOPE_FIX = 'give one of --all, --workflow WORKFLOW and --tenant TENANT';

function scopeOptions(verb: string): readonly OptionSpec[] {
  return [
    { name: 'all', summary: `${verb} the whole deployment` },
    { name: 'workflow', value: 'WORKFLOW', summary: `${verb} one workflow` },
    { name: 'tenant', value: 'TENANT', summary: `${verb} one tenant` },
  ];
}

/** Undefined where none is given; throws `usage` for more than one. */
function scopeOf(invocation: Invocation): FreezeRequest | undefined {
  const workflow = invocation.value('workflow');
  const tenant = invocation.value('tenant');
  const scopes: FreezeRequest[] = [
    ...(invocation.flag('all') ? [{ all: true as const }] : []),
    ...(workflow === undefined ? [] : [{ workflow }]),
    ...(tenant === undefined ? [] : [{ tenant }]),
  ];
  if (scopes.length > 1) throw usage('--all, --workflow and --tenant exclude each other', SCOPE_FIX);
  return scopes[0];
}
