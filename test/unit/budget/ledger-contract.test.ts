import { describeLedgerContract } from '../../_helpers/contracts/ledger-contract.ts';
import { FakeExecutionStore } from '../../_helpers/fakes/fake-execution-store.ts';
import { memoryLedger } from '../../_helpers/fakes/memory-ledger.ts';

describeLedgerContract('memory', (clock) => {
  const executions = new FakeExecutionStore({ clock });
  const ledger = memoryLedger({ clock, leases: executions });
  return {
    ledger,
    elsewhere: ledger,
    async given({ execution, lease }) {
      executions.seed({
        ...(execution === undefined ? {} : { executions: [execution] }),
        ...(lease === undefined ? {} : { leases: [lease] }),
      });
    },
    async fence({ executionId, path, attempt, ...lease }) {
      executions.seed({ leases: [{ ...lease, executionId, path, attempt, status: 'fenced' }] });
    },
    eventsOfChain: async (chainId) =>
      ledger
        .announcements()
        .filter((announcement) => announcement.chainId === chainId)
        .flatMap(({ events }) => events).length,
  };
});
