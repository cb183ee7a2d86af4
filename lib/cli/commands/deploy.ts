import { WfloError } from '../../errors.ts';
import type { Command, Context } from '../command.ts';
import { noteOpenNetwork } from '../network-mode.ts';
import { noteOpen, openExecutions, refuseWithoutAccount } from '../open-executions.ts';
import { progressTo } from '../progress.ts';
import { leftoverNotes } from '../render-leftovers.ts';
import type { Target } from '../target.ts';
import { durationText } from '../times.ts';

/** Counted at most; beyond that, "more than". */
const COUNTED = 1000;

export const deploy: Command = {
  name: 'deploy',
  summary: 'deploy every stack into the AWS account of your credentials',
  description:
    'Shows first which executions are open: they go on under the definitions that they were started with. ' +
    'CDK asks on the terminal before it widens permissions; without a terminal such a deployment stops. ' +
    'Afterwards it removes what earlier deployments left and no open execution needs.',
  positionals: [],
  options: [
    { name: 'stage', value: 'STAGE', summary: 'the stage to deploy (default: WFLO_STAGE, then cdk.json, then dev)' },
    {
      name: 'approve-permissions',
      summary: 'widen permissions without asking: for a pipeline whose reviewers have seen `cdk diff`',
    },
  ],
  json: '`{ stage, controlApiUrl, workflows, retained: [{ workflow, open }], leftovers: { removed: [{ kind, id }], failed: [{ kind, id, reason }], problem }, milliseconds, openExecutions }`; `openExecutions` is null where it could not be told',
  examples: [
    { command: 'wflo deploy', shows: 'deploy the stage of cdk.json' },
    { command: 'wflo deploy --stage prod', shows: 'deploy another stage beside it' },
  ],
  async run(invocation, context) {
    const { env, output, projectDir } = context;
    const stage = invocation.value('stage') ?? (env.WFLO_STAGE || undefined);
    const open = await showOpen({ kind: 'aws', stage }, context);
    const deployment = await import('../../deployment/index.ts');
    const result = await deployment.deploy({
      projectDir,
      report: progressTo(output),
      note: output.note,
      approval: invocation.flag('approve-permissions') ? 'never' : 'broadening',
      ...(stage === undefined ? {} : { stage }),
    });
    for (const line of leftoverNotes(result.leftovers)) output.note(line);
    output.result({ ...result, openExecutions: open }, () => [
      `stage ${result.stage} is deployed (${durationText(result.milliseconds)})`,
      `control API: ${result.controlApiUrl}`,
      `workflows: ${result.workflows.join(', ') || 'none'}`,
    ]);
    const { projectContext } = await import('../../local-cloud/stage.ts');
    noteOpenNetwork(await projectContext(projectDir, 'wflo:network'), output);
  },
};

/** How many executions are open; null where that cannot be told, which a first deployment cannot. */
async function showOpen(target: Target, { connect, output, signal }: Context): Promise<number | null> {
  try {
    const open = await openExecutions(await connect(target), signal, COUNTED);
    const number = `${open.length >= COUNTED ? 'more than ' : ''}${open.length}`;
    noteOpen(open, `${number} executions are open and go on as they are:`, output);
    return open.length;
  } catch (error) {
    if (!WfloError.is(error)) throw error;
    refuseWithoutAccount(error);
    output.note(`what is open is not known: ${error.message}`);
    return null;
  }
}
