import { describePeopleStoreContract } from '../../_helpers/contracts/people-store.ts';
import { fakePeopleStore } from '../../_helpers/fakes/fake-people-store.ts';

describePeopleStoreContract('fake', () => {
  const store = fakePeopleStore();
  return { store, events: async (tenant) => store.events(tenant) };
});
