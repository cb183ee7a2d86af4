import type { PeopleRecords } from './directory.ts';
import type { PersonRecord } from './records.ts';

/** The person that an identity is linked to, active or not. */
export async function findByIdentity(
  records: Pick<PeopleRecords, 'ownerOf' | 'getPerson'>,
  identity: string,
): Promise<PersonRecord | undefined> {
  const owner = await records.ownerOf(identity);
  if (owner === undefined) return undefined;
  const person = await records.getPerson(owner.tenant, owner.personId);
  // Unlinked between the two reads.
  return person?.identities.includes(identity) ? person : undefined;
}
