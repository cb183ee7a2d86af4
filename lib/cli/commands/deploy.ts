import type { ExecutionSummary } from '../../client/api.ts';
import type { ControlApiClient } from '../../client/client.ts';
import { WfloError } from '../../errors.ts';
import { EXECUTION_STATUSES, isFinal } from '../../execution/status.ts';
import type { Command, Context } from '../command.ts';
import { noteOpenNetwork } from '../network-mode.ts';
import { progressTo } from '../progress.ts';
import { summaryLines } from '../render-execution.ts';
import type { Target } from '../target.ts';
import { durationText } from '../times.ts';

/** Shown by name; the rest is counted. */
const SHOWN = 10;
/** Counted at most; beyond that, "more than". */
const COUNTED = 1000;

export const deploy: Command = {
  name: 'deploy',
  summary: 'deploy every stack into the AWS account of your credentials',
  description:
    'Shows first which executions are open: they go on under the definitions that they were started with. ' +
    'CDK asks on the terminal before it widens permissions; without a terminal such a deployment stops.',
  positionals: [],
  options: [
    { name: 'stage', value: 'STAGE', summary: 'the stage to deploy (default: WFLO_STAGE, then cdk.json, then dev)' },
  ],
  json: '`{ stage, controlApiUrl, workflows, milliseconds, openExecutions }`; `openExecutions` is null where it could not be told',
  examples: [
    { command: 'wflo deploy', shows: 'deploy the stage of cdk.json' },
    { command: 'wflo deploy --stage prod', shows: 'deploy another stage beside it' },
  ],
  async run(invocation, context) {
    const { env, output, projectDir } = context;
    const stage = invocation.value('stage') ?? (env.WFLO_STAGE || undefined);
    const open = await showOpen({ kind: 'aws', stage }, context);
    const local = await import('../../local-cloud/index.ts');
    const result = await local.deploy({
      projectDir,
      report: progressTo(output),
      ...(stage === undefined ? {} : { stage }),
    });
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
    const open = await openExecutions(await connect(target), signal);
    if (open.length === 0) output.note('no execution is open');
    else {
      output.note(
        `${open.length >= COUNTED ? 'more than ' : ''}${open.length} executions are open and go on as they are:`,
      );
      for (const line of summaryLines(open.slice(0, SHOWN), new Date(), (_, text) => text)) output.note(`  ${line}`);
      if (open.length > SHOWN) output.note(`  and ${open.length - SHOWN} more`);
    }
    return open.length;
  } catch (error) {
    if (!WfloError.is(error)) throw error;
    refuseWithoutAccount(error);
    output.note(`what is open is not known: ${error.message}`);
    return null;
  }
}

/** Synthesis takes long, and CDK then says less. */
function refuseWithoutAccount({ message, details }: WfloError): void {
  const reason = (details as { readonly reason?: unknown } | undefined)?.reason;
  if (reason !== 'no_credentials' && reason !== 'no_region') return;
  throw new WfloError('no_target', message, {
    fix: 'sign in to AWS (AWS_PROFILE, `aws sso login`), set AWS_REGION, and repeat the command',
    details: { reason },
  });
}

async function openExecutions(client: ControlApiClient, signal: AbortSignal): Promise<ExecutionSummary[]> {
  const open: ExecutionSummary[] = [];
  for (const status of EXECUTION_STATUSES.filter((one) => !isFinal(one))) {
    for await (const page of client.list({ status, pageSize: 100 }, { signal })) {
      open.push(...page);
      if (open.length >= COUNTED) return open;
    }
  }
  return open;
}
