import { describeAuditStoreContract } from '../../_helpers/contracts/audit-store.ts';
import { describeExecutionStoreContract } from '../../_helpers/contracts/execution-store.ts';
import { FakeAuditStore } from '../../_helpers/fakes/fake-audit-store.ts';
import { FakeExecutionStore } from '../../_helpers/fakes/fake-execution-store.ts';

describeExecutionStoreContract('fake', (clock) => {
  const store = new FakeExecutionStore({ clock });
  return { store, outbox: store };
});

describeAuditStoreContract('fake', () => ({ store: new FakeAuditStore() }));
