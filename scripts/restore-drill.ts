/**
 * `npm run drill:restore -- --stage <stage> [--at <ISO time>] [--keep] [--json]`: restores the State table of a stage
 * into a new one, compares it with the audit chains, and deletes it (`docs/guides/restore.md`). Exits 0 when all agree,
 * 1 when something differs, 2 when nothing could be compared.
 */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { table } from '../lib/cli/table.ts';
import { WfloError } from '../lib/errors.ts';
import { KINDS } from './drill/compare.ts';
import { type DrillResult, runDrill } from './drill/run-drill.ts';

/** How many executions that differ are shown. */
const SHOWN = 20;
/** AWS gives no limit for a restore; most take less than an hour. */
const PATIENCE = { maxWaitTime: 6 * 3600, minDelay: 15, maxDelay: 60 };

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
const stopping = new AbortController();
// The second one ends this process, and leaves the table where it is.
process.once('SIGINT', () => {
  console.error('the restored table is deleted as soon as AWS allows it. Ctrl-C once more leaves it in the account.');
  stopping.abort(new Error('stopped by Ctrl-C'));
});

try {
  const { values } = parseArgs({
    options: {
      stage: { type: 'string' },
      at: { type: 'string' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const at = values.at === undefined ? undefined : timeOf(values.at);
  if (values.stage === undefined) throw new WfloError('usage', '--stage is missing', { fix: 'add --stage <stage>' });
  const result = await runDrill(
    {
      stage: values.stage,
      ...(at === undefined ? {} : { at }),
      keep: values.keep,
      signal: stopping.signal,
      now: new Date(),
      patience: PATIENCE,
      report: (text) => console.error(text),
    },
    { cloudFormation: new CloudFormationClient(), dynamo: new DynamoDBClient() },
  );
  console.log(values.json ? JSON.stringify(result, null, 2) : textOf(result));
  process.exitCode = result.ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof WfloError ? `${error.message}\n${error.fix ?? ''}` : String(error));
  process.exitCode = 2;
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime()) && /T.*(Z|[+-]\d\d:\d\d)$/.test(text)) return time;
  throw new WfloError('usage', `--at ${text} is no time`, {
    fix: 'give it with its zone, such as 2026-01-31T12:00:00Z',
  });
}

function textOf({ executions, kinds, ahead, differ, restoredTo }: DrillResult): string {
  return [
    `${executions} executions as of ${restoredTo ?? 'the latest restorable time'}; the chains of ${ahead} go on after it`,
    ...table([
      ['', 'compared', 'agree', 'differ'],
      ...KINDS.map((kind) => [kind, ...Object.values(kinds[kind]).map(String)]),
    ]),
    ...differ
      .slice(0, SHOWN)
      .flatMap(({ executionId, differences }) => [
        executionId,
        ...differences.map(({ kind, what }) => `  ${kind}: ${what}`),
      ]),
    ...(differ.length > SHOWN ? [`and ${differ.length - SHOWN} more; --json has all`] : []),
  ].join('\n');
}
