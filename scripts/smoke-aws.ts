/**
 * `npm run smoke:aws -- --confirm <account id> [--stage smoke2]`: deploys a stage into the AWS account of the
 * environment, checks what no emulator shows, destroys it. For a person, once a release. Exits 0 when everything was
 * shown and nothing is left, 1 otherwise, 2 before anything was made.
 */
import { parseArgs } from 'node:util';
import { table } from '../lib/cli/table.ts';
import { WfloError } from '../lib/errors.ts';
import { awsAccount } from './smoke/aws-account.ts';
import { CHECKS } from './smoke/checks.ts';
import { COST, runSmoke } from './smoke/run-smoke.ts';

// Of the SDK, about Node 20: nothing that who runs this can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
for (const line of COST) console.error(line);

const stopping = new AbortController();
// The second one ends this process, and leaves the stage where it is.
process.once('SIGINT', () => {
  console.error('no more checks; the stage is destroyed next. Ctrl-C once more leaves it in the account.');
  stopping.abort();
});

try {
  const { values } = parseArgs({
    options: { confirm: { type: 'string' }, stage: { type: 'string', default: 'smoke' } },
  });
  const { ok, outcomes, left } = await runSmoke(
    { stage: values.stage, confirmedAccount: values.confirm, signal: stopping.signal },
    CHECKS,
    awsAccount(),
  );
  for (const line of table(outcomes.map(({ id, result, text }) => [id, result, text]))) console.log(line);
  for (const name of left) console.log(`left in the account: ${name}`);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof WfloError ? `${error.message}\n${error.fix ?? ''}` : String(error));
  process.exitCode = 2;
}
