import { describeAuditStoreContract } from '../../_helpers/contracts/audit-store.ts';
import { describeBlobStoreContract } from '../../_helpers/contracts/blob-store.ts';
import { describeExecutionStoreContract } from '../../_helpers/contracts/execution-store.ts';
import { describeStepLogsContract } from '../../_helpers/contracts/step-logs.ts';
import { describeTaskTokensContract } from '../../_helpers/contracts/task-tokens.ts';
import { FakeAuditStore } from '../../_helpers/fakes/fake-audit-store.ts';
import { FakeBlobStore } from '../../_helpers/fakes/fake-blob-store.ts';
import { FakeExecutionStore } from '../../_helpers/fakes/fake-execution-store.ts';
import { FakeStepLogs } from '../../_helpers/fakes/fake-step-logs.ts';
import { FakeTaskTokens } from '../../_helpers/fakes/fake-task-tokens.ts';

describeExecutionStoreContract('fake', (clock) => {
  const store = new FakeExecutionStore({ clock });
  return { store, outbox: store, eventsOfChain: async (chainId) => store.chainEvents(chainId) };
});

describeAuditStoreContract('fake', () => ({ store: new FakeAuditStore() }));

describeBlobStoreContract('fake', () => {
  const store = new FakeBlobStore();
  return {
    store,
    async upload({ key }, body) {
      store.uploads.set(key, body);
    },
  };
});

describeStepLogsContract('fake', () => ({ logs: new FakeStepLogs() }));

describeTaskTokensContract('fake', () => {
  const tokens = new FakeTaskTokens();
  return { writer: tokens, reader: tokens };
});
