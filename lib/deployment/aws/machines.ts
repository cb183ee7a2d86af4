import {
  DeleteStateMachineCommand,
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  paginateListExecutions,
  paginateListStateMachines,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { stateMachineName } from '../../execution/identity.ts';
import type { MachineFound } from '../inventory.ts';
import { type NamedThings, namedIn } from '../named-things.ts';
import { unlessGone, until } from './gone.ts';

/** Machines of this stage. What was deleted meanwhile is left out; whatever else cannot be read throws. */
export async function readMachines(client: SFNClient, stage: string): Promise<readonly MachineFound[]> {
  const prefix = stateMachineName(stage, '');
  const machines: MachineFound[] = [];
  for await (const page of paginateListStateMachines({ client }, {})) {
    for (const { name = '', stateMachineArn: arn = '', creationDate } of page.stateMachines ?? []) {
      if (!name.startsWith(prefix)) continue;
      // First the executions: one that starts after this uses what the definition names, which is read next.
      const open = await unlessGone(readOpen(client, arn));
      const described = await unlessGone(client.send(new DescribeStateMachineCommand({ stateMachineArn: arn })));
      if (open === undefined || described === undefined) continue;
      machines.push({
        workflow: name.slice(prefix.length),
        arn,
        at: creationDate ?? new Date(),
        names: namedBy(arn, described),
        open,
      });
    }
  }
  return machines;
}

/** A machine that is being deleted still has its executions, and its definitions can be read by them. */
async function readOpen(client: SFNClient, stateMachineArn: string): Promise<readonly NamedThings[]> {
  const open: NamedThings[] = [];
  const pages = paginateListExecutions({ client, pageSize: 1000 }, { stateMachineArn, statusFilter: 'RUNNING' });
  for await (const { executions = [] } of pages) {
    for (const { executionArn } of executions) {
      open.push(
        namedBy(
          executionArn ?? stateMachineArn,
          await client.send(new DescribeStateMachineForExecutionCommand({ executionArn })),
        ),
      );
    }
  }
  return open;
}

function namedBy(arn: string, described: { definition?: string | undefined; roleArn?: string | undefined }) {
  const { definition, roleArn } = described;
  if (!definition || !roleArn) throw new Error(`the definition of ${arn} cannot be read`);
  return namedIn(definition, roleArn);
}

/** Waits until the name is free: CloudFormation refuses a machine of this name while it is being deleted. */
export async function removeMachine(client: SFNClient, stateMachineArn: string, pauseMs?: number): Promise<void> {
  await unlessGone(client.send(new DeleteStateMachineCommand({ stateMachineArn })));
  await until(
    `the deletion of ${stateMachineArn}`,
    async () => (await unlessGone(client.send(new DescribeStateMachineCommand({ stateMachineArn })))) === undefined,
    pauseMs,
  );
}
