import { SCHEMA } from '../execution/records.ts';
import type { GroupRecord, PersonRecord } from '../people/records.ts';
import type { People } from '../ports.ts';

export type Groups = { readonly [group: string]: readonly string[] };

/**
 * The people of a test. Without groups of its own, whoever decides is in every group, and so are as many others as the
 * gates need, who say nothing.
 */
export class TestPeople implements People {
  readonly #groups: Groups | undefined;
  readonly #everybody: Set<string>;

  constructor(groups: Groups | undefined, needed: number) {
    this.#groups = groups;
    this.#everybody = new Set(Array.from({ length: needed }, (_, index) => `somebody-${index + 1}`));
  }

  /** Somebody decides. */
  meet(personId: string): void {
    this.#everybody.add(personId);
  }

  async getGroup(tenant: string, group: string): Promise<GroupRecord | undefined> {
    const members = this.#groups === undefined ? [...this.#everybody] : this.#groups[group];
    return members === undefined ? undefined : { schema: SCHEMA, tenant, group, members, version: 1 };
  }

  async getPerson(tenant: string, personId: string): Promise<PersonRecord | undefined> {
    return {
      schema: SCHEMA,
      tenant,
      personId,
      name: personId,
      roles: [],
      identities: [],
      active: true,
      version: 1,
      createdAt: new Date(0).toISOString(),
    };
  }
}
