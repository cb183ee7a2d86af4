import type { ControlApiClient } from '../../lib/client/client.ts';

const GROUP = 'smoke-approvers';

/** Makes the caller, who is a person of the stage already, the one who decides about `smoke-gate`. */
export async function becomeApprover(client: ControlApiClient): Promise<void> {
  const { personId } = await client.me();
  await client.setGroup(GROUP, [personId]);
}

/** Makes the caller the first person of a new stage, with what the checks do: start, stop, read chains, decide. */
export async function enterStage(client: ControlApiClient): Promise<void> {
  const person = { personId: 'smoke', name: 'Smoke run' };
  await client.bootstrap(person);
  await client.changePerson({ ...person, roles: ['administrator', 'operator', 'auditor'] });
  await becomeApprover(client);
}
