import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ExecutionView } from '../../client/api.ts';
import { WfloError } from '../../errors.ts';
import { OPTIONS_KEY } from '../../execution/accept-input.ts';
import { isFinal } from '../../execution/status.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { type Command, type Context, TARGET_OPTIONS } from '../command.ts';
import { followExecution } from '../follow-execution.ts';
import { usage } from '../invocation.ts';
import { parseJson } from '../json-text.ts';
import { programName } from '../program-name.ts';
import { executionLines } from '../render-execution.ts';
import { targetFlags, targetOf } from '../target.ts';

export const run: Command = {
  name: 'run',
  summary: 'start an execution of a workflow',
  description:
    'The input is checked against the schema of the deployed workflow before anything is started; all problems are listed. ' +
    'With --name a repeated start is the same start: equal input comes to the same execution, other input is `name_conflict`.',
  positionals: [{ name: 'workflow', summary: 'the name of a deployed workflow' }],
  options: [
    { name: 'input', value: 'JSON|@FILE', summary: 'the input, or a file that holds it (default: {})' },
    { name: 'name', value: 'NAME', summary: '1 to 80 of A-Z a-z 0-9 - _ (default: from the time)' },
    {
      name: 'budget',
      value: 'DOLLARS',
      summary: 'what it may spend at most; can only lower the budget of the workflow',
    },
    { name: 'wait', summary: 'show the steps until the end; exit 1 when that is not success' },
    ...TARGET_OPTIONS,
  ],
  json: 'the execution as `wflo status --json` shows it: as it was started, or with --wait as it ended',
  examples: [
    { command: `wflo run hello --local --input '{"name":"Alice"}' --wait`, shows: 'run on the local AWS and watch it' },
    {
      command: 'wflo run data-processor --input @input.json --name nightly-2026-11-24',
      shows: 'start once, however often this is called',
    },
    {
      command: 'wflo run research-agent --input @question.json --budget 0.50 --wait',
      shows: 'spend half a dollar at most',
    },
    { command: `wflo run hello --input '{"name":"Alice"}' --wait --json`, shows: 'the result for a script' },
  ],
  async run(invocation, context) {
    const workflow = invocation.positional('workflow');
    const name = nameOf(invocation.value('name'));
    const budget = invocation.value('budget');
    const given = await inputOf(invocation.value('input'), context.projectDir);
    const input = budget === undefined ? given : withBudget(given, budget);
    const target = targetOf(invocation, context.env);
    const client = await context.connect(target);
    const request = { workflow, input, ...(name === undefined ? {} : { name }) };
    const { created, execution } = await client.start(request, { signal: context.signal });
    const again = `${programName(context.env)} status ${execution.executionId} --follow${targetFlags(target)}`;
    if (!invocation.flag('wait')) {
      context.output.result(execution, () => [
        created ? `started ${execution.executionId}` : `${execution.executionId} exists already: ${execution.status}`,
      ]);
      if (!isFinal(execution.status)) context.output.note(`watch it: ${again}`);
      return;
    }
    context.output.note(created ? `started ${execution.executionId}` : `${execution.executionId} exists already`);
    context.signal.addEventListener('abort', () => context.output.note(`it goes on; watch it: ${again}`));
    const { view, shown } = await followExecution(client, execution.executionId, target, context);
    showEnd(view, shown, context);
    if (view.status !== 'succeeded') {
      throw notSucceeded(view, (words) => `${programName(context.env)} ${words}${targetFlags(target)}`);
    }
  },
};

function showEnd(view: ExecutionView, shown: boolean, { output }: Context): void {
  if (!shown) output.result(view, () => executionLines(view, new Date(), output.style));
}

function notSucceeded(view: ExecutionView, commandOf: (words: string) => string): WfloError {
  const why = view.error === undefined ? '' : `: ${view.error.code}: ${view.error.message}`;
  return new WfloError('execution_failed', `${view.executionId} ended as ${view.status}${why}`, {
    fix:
      view.status === 'rejected'
        ? rejectedFix(view, commandOf)
        : `see what the steps printed: ${commandOf(`logs ${view.executionId}`)}`,
    details: { executionId: view.executionId, status: view.status },
  });
}

function rejectedFix({ steps, executionId }: ExecutionView, commandOf: (words: string) => string): string {
  const approvalId = steps.find((step) => step.status === 'rejected')?.approvalId;
  return `see who decided, and why: ${commandOf(approvalId === undefined ? `events ${executionId}` : `approval ${approvalId}`)}`;
}

/** An option of Wflo itself is a key of the input, so that whoever else starts an execution can give it as well. */
function withBudget(input: Json, dollars: string): Json {
  if (!/^\d{1,7}(\.\d{1,9})?$/.test(dollars))
    throw usage(`"${dollars}" is not an amount of dollars`, 'write dollars such as 5 or 0.25');
  if (!isJsonObject(input))
    throw usage('--budget needs an input that is an object', 'pass the input as {"key": value}');
  const options = input[OPTIONS_KEY] ?? {};
  if (!isJsonObject(options) || 'budgetUsd' in options)
    throw usage(`the input says its budget already, in its key "${OPTIONS_KEY}"`, 'give it once');
  return { ...input, [OPTIONS_KEY]: { ...options, budgetUsd: dollars } };
}

/** The API refuses others too, in its own terms. */
function nameOf(text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Za-z0-9_-]{1,80}$/.test(text)) return text;
  throw usage(`"${text}" cannot be the name of an execution`, 'use 1 to 80 of A-Z a-z 0-9 - _');
}

/** A shell that takes the quotes away is the usual reason. */
const QUOTING = `quote it for the shell: --input '{"key":"value"}', or pass a file: --input @input.json`;

async function inputOf(text: string | undefined, projectDir: string): Promise<Json> {
  if (text === undefined) return {};
  if (!text.startsWith('@')) return parseJson(text, '--input', QUOTING);
  const file = resolve(projectDir, text.slice(1));
  const content = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new WfloError('usage', `the input file ${file} cannot be read: ${cause.code ?? cause.message}`, {
      fix: 'name a file that exists after the @',
      cause,
    });
  });
  return parseJson(content.replace(/^\uFEFF/, ''), file, 'correct the file at this place');
}
