import type { PersonView } from '../../client/api.ts';
import { didYouMean } from '../../client/nearest.ts';
import { WfloError } from '../../errors.ts';
import { ROLES, type Role } from '../../people/roles.ts';
import { type Command, type OptionSpec, TARGET_OPTIONS } from '../command.ts';
import { type Invocation, usage } from '../invocation.ts';
import { peopleTable, personLines } from '../render-people.ts';
import { targetOf } from '../target.ts';

export const PERSON = { name: 'person', summary: 'a person id: lower-case words with hyphens' };
export const PERSON_JSON = '`{ tenant, personId, name, roles, groups, identities, active }`';

const NAME: OptionSpec = { name: 'name', value: 'NAME', required: true, summary: 'the name that people read' };
const ROLE: OptionSpec = {
  name: 'role',
  value: 'ROLE',
  many: true,
  summary: `what the person may do, once for each: ${ROLES.join(', ')}`,
};

export const whoami: Command = {
  name: 'whoami',
  summary: 'show the person that your credentials are linked to',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [{ command: 'wflo whoami --local --as ada', shows: 'tenant, roles, groups and identities' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const person = await client.me({ signal });
    output.result(person, () => personLines(person, output.style));
  },
};

export const peopleBootstrap: Command = {
  name: 'people bootstrap',
  summary: 'make yourself the first administrator of a deployment',
  description:
    'Links the credentials of the call to the new person. Works once; from then on administrators add people.',
  positionals: [PERSON],
  options: [NAME, ...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [
    { command: `wflo people bootstrap ada --name 'Ada Lovelace' --stage prod`, shows: 'after the first deployment' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const request = { personId: invocation.positional('person'), name: invocation.value('name') ?? '' };
    const client = await connect(targetOf(invocation, env));
    const person = await client.bootstrap(request, { signal });
    output.result(person, () => personLines(person, output.style));
  },
};

export const peopleList: Command = {
  name: 'people list',
  summary: 'list the people of your tenant',
  positionals: [],
  options: [...TARGET_OPTIONS],
  json: `\`[…]\`, each ${PERSON_JSON}`,
  examples: [{ command: 'wflo people list --local', shows: 'who is who, with roles and groups' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const people = await client.people({ signal });
    output.result(people, () => peopleTable(people, output.style));
  },
};

export const peopleAdd: Command = {
  name: 'people add',
  summary: 'add a person to your tenant',
  description:
    'The person can do nothing before `wflo people link` says which credentials are theirs. Who may approve is a matter of groups, not of roles.',
  positionals: [PERSON],
  options: [NAME, ROLE, ...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [
    { command: `wflo people add bob --name 'Bob Moran' --role operator --role auditor`, shows: 'with two roles' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const person = {
      personId: invocation.positional('person'),
      name: invocation.value('name') ?? '',
      roles: rolesOf(invocation),
    };
    const client = await connect(targetOf(invocation, env));
    const added = await client.addPerson(person, { signal });
    output.result(added, () => personLines(added, output.style));
  },
};

export const peopleChange: Command = {
  name: 'people change',
  summary: 'change the name or the roles of a person',
  description: 'What is not named stays. The roles that are named are all that the person has then.',
  positionals: [PERSON],
  options: [
    { name: 'name', value: 'NAME', summary: 'the new name' },
    ROLE,
    { name: 'no-roles', summary: 'take every role away' },
    ...TARGET_OPTIONS,
  ],
  json: PERSON_JSON,
  examples: [{ command: 'wflo people change bob --role viewer', shows: 'viewer, and nothing else' }],
  async run(invocation, { connect, env, output, signal }) {
    const personId = invocation.positional('person');
    const name = invocation.value('name');
    const given = rolesOf(invocation);
    const none = invocation.flag('no-roles');
    if (none && given.length > 0) throw usage('--role and --no-roles exclude each other', 'use one of them');
    if (name === undefined && given.length === 0 && !none) {
      throw usage('nothing is to be changed', 'give --name, --role or --no-roles');
    }
    const client = await connect(targetOf(invocation, env));
    const before = personOf(personId, await client.people({ signal }));
    const roles = none || given.length > 0 ? given : before.roles;
    const changed = await client.changePerson({ personId, name: name ?? before.name, roles }, { signal });
    output.result(changed, () => personLines(changed, output.style));
  },
};

export const peopleRemove: Command = {
  name: 'people remove',
  summary: 'take everything from a person that they may do',
  description:
    'Identities, roles and groups are gone; the record stays, so that what they did has a name. Approvals that they gave no longer count where nothing was done under them yet.',
  positionals: [PERSON],
  options: [...TARGET_OPTIONS],
  json: PERSON_JSON,
  examples: [{ command: 'wflo people remove bob', shows: 'from now on' }],
  async run(invocation, { connect, env, output, signal }) {
    const client = await connect(targetOf(invocation, env));
    const person = await client.removePerson(invocation.positional('person'), { signal });
    output.result(person, () => personLines(person, output.style));
  },
};

function rolesOf(invocation: Invocation): readonly Role[] {
  return invocation.values('role').map((text) => {
    const role = ROLES.find((one) => one === text);
    if (role !== undefined) return role;
    throw usage(`there is no role "${text}".${didYouMean(text, ROLES)}`, `use one of: ${ROLES.join(', ')}`);
  });
}

function personOf(personId: string, people: readonly PersonView[]): PersonView {
  const person = people.find((one) => one.personId === personId);
  if (person !== undefined) return person;
  const ids = people.map((one) => one.personId);
  throw new WfloError(
    'unknown_person',
    `there is no person "${personId}" in your tenant.${didYouMean(personId, ids)}`,
    {
      fix: 'see who there is: wflo people list',
      details: { personId },
    },
  );
}
