import type { ControlApiClient } from '../../client/client.ts';
import type { DestroyResult } from '../../deployment/index.ts';
import { WfloError } from '../../errors.ts';
import { cancelAll } from '../cancel-open.ts';
import type { Command, Context } from '../command.ts';
import { usage } from '../invocation.ts';
import { noteOpen, openExecutions, refuseWithoutAccount } from '../open-executions.ts';
import { progressTo } from '../progress.ts';
import { kindText } from '../render-leftovers.ts';
import { durationText } from '../times.ts';

export const destroy: Command = {
  name: 'destroy',
  summary: 'remove a stage from the AWS account of your credentials',
  description:
    'Destroys the stacks of the stage and what they leave behind: state machines, functions, roles, task definitions and logs. Refused while an execution is open. ' +
    'The data stack stays, with records, audit chain, artefacts and keys: the same stage can be deployed onto it again. For the local AWS there is `wflo local reset`.',
  positionals: [],
  options: [
    { name: 'stage', value: 'STAGE', summary: 'the stage to destroy (default: WFLO_STAGE, then cdk.json, then dev)' },
    { name: 'confirm', value: 'STAGE', summary: 'the name of the stage once more', required: true },
    {
      name: 'cancel-open',
      summary: 'cancel what is open, and wait until each execution has ended and its event chain is complete',
    },
    { name: 'delete-data', summary: 'also delete tables, audit chain, artefacts and event bus, for good' },
  ],
  json: '`{ stage, dataDeleted, removed: [{ kind, id }], stays: [{ type, id }], milliseconds }`',
  examples: [
    { command: 'wflo destroy --stage test --confirm test', shows: 'remove a stage, keep its data' },
    {
      command: 'wflo destroy --stage test --confirm test --cancel-open --delete-data',
      shows: 'remove a stage and everything that it has recorded',
    },
  ],
  async run(invocation, context) {
    const { output, env, projectDir } = context;
    const { projectStage } = await import('../../local-cloud/stage.ts');
    const stage = invocation.value('stage') ?? (env.WFLO_STAGE || (await projectStage(projectDir)));
    const confirmed = invocation.value('confirm');
    if (confirmed !== stage) {
      throw usage(
        `--confirm says "${confirmed}", and the stage to destroy is "${stage}"`,
        `write --confirm ${stage} if that is what you want; another stage is named with --stage`,
      );
    }
    await endOpen(stage, invocation.flag('cancel-open'), context);
    const deployment = await import('../../deployment/index.ts');
    const result = await deployment.destroy({
      projectDir,
      stage,
      deleteData: invocation.flag('delete-data'),
      report: progressTo(output),
      note: output.note,
    });
    output.result(result, () => lines(result));
  },
};

/** Where the control API cannot be asked, the state machines are: `destroy` looks at them in any case. */
async function endOpen(stage: string, cancel: boolean, { connect, output, signal }: Context): Promise<void> {
  let client: ControlApiClient;
  try {
    client = await connect({ kind: 'aws', stage });
  } catch (error) {
    if (!WfloError.is(error)) throw error;
    refuseWithoutAccount(error);
    output.note(`the control API is not asked what is open: ${error.message}`);
    return;
  }
  const open = await openExecutions(client, signal);
  const many = `${open.length} executions are open`;
  noteOpen(open, cancel ? `${many} and will be cancelled:` : `${many}:`, output);
  if (open.length === 0) return;
  if (cancel) return cancelAll(client, open, signal);
  throw new WfloError('stage_in_use', `${many} in stage ${stage}`, {
    fix: 'wait until they have ended, or add --cancel-open to cancel them and wait for their ends',
    details: { executions: open.map(({ executionId }) => executionId) },
  });
}

function lines({ stage, removed, stays, dataDeleted, milliseconds }: DestroyResult): string[] {
  return [
    `stage ${stage} is destroyed (${durationText(milliseconds)})`,
    ...removed.map(({ kind, id }) => `  removed ${kindText(kind)} ${id}`),
    ...stays.map(({ type, id }) => `  stays: ${type} ${id}`),
    ...(dataDeleted || stays.length === 0 ? [] : ['its data is kept; `wflo deploy` puts the stage onto it again']),
  ];
}
