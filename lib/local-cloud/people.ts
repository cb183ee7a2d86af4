import { readFile } from 'node:fs/promises';
import { createClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import type { Role } from '../people/roles.ts';
import type { LocalEndpoint } from './local-clients.ts';
import type { LocalCredentials } from './local-state.ts';
import { ensureUser, type OperatorScope } from './operator.ts';

interface SeededPerson {
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

/** The person that the operator's keys belong to. */
export const OPERATOR_PERSON: SeededPerson = {
  personId: 'operator',
  name: 'Operator of the local AWS',
  roles: ['administrator', 'operator'],
};

/** People to try approvals and budgets with, each with keys of their own (`--as`). */
export const LOCAL_PEOPLE: readonly SeededPerson[] = [
  { personId: 'ada', name: 'Ada', roles: ['operator'] },
  { personId: 'grace', name: 'Grace', roles: ['viewer'] },
  { personId: 'linus', name: 'Linus', roles: ['viewer'] },
  { personId: 'mary', name: 'Mary', roles: ['auditor'] },
  { personId: 'joan', name: 'Joan', roles: ['budget-owner'] },
];

/** Groups that the workflows of the repository ask. */
export const LOCAL_GROUPS = {
  'data-owners': ['ada', 'grace', 'linus'],
} as const satisfies Record<string, readonly string[]>;

interface PeopleCredentials {
  readonly admin: LocalCredentials;
  readonly operator: LocalCredentials;
  /** Keys of an earlier `local up`. */
  readonly known: Readonly<Record<string, LocalCredentials>>;
}

/**
 * Makes the people through the control API, as an administrator of a deployment on AWS would: the operator bootstraps
 * the first administrator, who adds the others. What is there already stays as it is. Answers everybody's keys.
 */
export async function ensurePeople(
  local: LocalEndpoint & { readonly region: string },
  scope: OperatorScope,
  { admin, operator, known }: PeopleCredentials,
): Promise<Record<string, LocalCredentials>> {
  const client = createClient({
    url: scope.controlApiUrl,
    region: local.region,
    credentials: operator,
    ca: await readFile(local.caFile, 'utf8'),
  });
  const userArn = (name: string): string => `arn:aws:iam::${scope.account}:user/${name}`;
  const { personId, name } = OPERATOR_PERSON;
  await unlessThere('already_bootstrapped', () => client.bootstrap({ personId, name }));
  const there = new Map((await client.people()).map((person) => [person.personId, person]));
  if (!there.get(personId)?.roles.includes('operator')) await client.changePerson(OPERATOR_PERSON);
  const keys: Record<string, LocalCredentials> = { [personId]: operator };
  for (const person of LOCAL_PEOPLE) {
    const user = `wflo-local-${person.personId}`;
    keys[person.personId] = await ensureUser(local, admin, scope, { name: user, known: known[person.personId] });
    if (!there.has(person.personId)) await client.addPerson(person);
    if (!there.get(person.personId)?.identities.includes(userArn(user))) {
      await client.link(person.personId, userArn(user));
    }
  }
  const groups = new Set((await client.groups()).map(({ group }) => group));
  for (const [group, members] of Object.entries(LOCAL_GROUPS)) {
    if (!groups.has(group)) await client.setGroup(group, members);
  }
  return keys;
}

async function unlessThere(code: 'already_bootstrapped', make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!WfloError.is(error) || error.code !== code) throw error;
  }
}
