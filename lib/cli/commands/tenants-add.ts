import { type Command, TARGET_OPTIONS } from '../command.ts';
import { personLines } from '../render-people.ts';
import { targetOf } from '../target.ts';
import { PERSON_JSON } from './people.ts';

export const tenantsAdd: Command = {
  name: 'tenants add',
  summary: 'make a tenant, with its first administrator',
  description:
    'Administrators of the tenant `default` may do this. People of one tenant see nothing of another; its administrator adds the others.',
  positionals: [{ name: 'tenant', summary: 'the name of the tenant' }],
  options: [
    { name: 'admin', value: 'PERSON', required: true, summary: 'the person id of its first administrator' },
    { name: 'name', value: 'NAME', required: true, summary: 'the name of that person' },
    { name: 'arn', value: 'ARN', required: true, summary: 'the credentials of that person, as in `wflo people link`' },
    ...TARGET_OPTIONS,
  ],
  json: `the administrator: ${PERSON_JSON}`,
  examples: [
    {
      command: `wflo tenants add acme --admin cleo --name 'Cleo Park' --arn arn:aws:iam::123456789012:user/cleo`,
      shows: 'beside the tenant `default`',
    },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const request = {
      tenant: invocation.positional('tenant'),
      personId: invocation.value('admin') ?? '',
      name: invocation.value('name') ?? '',
      arn: invocation.value('arn') ?? '',
    };
    const client = await connect(targetOf(invocation, env));
    const person = await client.addTenant(request, { signal });
    output.result(person, () => personLines(person, output.style));
  },
};
