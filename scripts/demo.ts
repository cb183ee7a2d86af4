/**
 * `npm run demo`: starts the local AWS, runs the workflows of the repository on it, tells what happens as it
 * happens, and checks results and event chains at the end. Leaves the local AWS running. Exits 1 when a check fails.
 */
import { resolve } from 'node:path';
import { connect } from '../lib/cli/target.ts';
import { toErrorData } from '../lib/errors.ts';
import { type LocalUpResult, localUp } from '../lib/local-cloud/index.ts';
import { demoApprovals } from './demo/approvals.ts';
import { checkChain, checkGreeting } from './demo/checks.ts';
import { narrate } from './demo/narrator.ts';
import { demoResearch } from './demo/research.ts';
import { begun, chapter, done, failed, indent, list, say } from './demo/words.ts';

const projectDir = resolve(import.meta.dirname, '..');
const began = Date.now();

function tellLimits({ isolation }: LocalUpResult): void {
  const open =
    isolation?.properties.filter((property) => !property.enforced).map((property) => property.property) ?? [];
  if (open.length > 0)
    say(
      indent(
        `Sandboxes are plain processes here, Fargate tasks on AWS. Not enforced on this machine:\n    ${open.join(', ')}.`,
      ),
    );
}

async function demo(): Promise<boolean> {
  say('Wflo: agent workflows in sandboxes, on a local AWS with IAM enforced. No Docker, no AWS account, no keys.');

  chapter('The local AWS');
  const up = await localUp({
    projectDir,
    driver: 'process',
    report: ({ state, text, milliseconds }) => {
      if (state === 'started') begun(text);
      if (state === 'done' && milliseconds !== undefined && milliseconds > 300)
        done(`${text} (${(milliseconds / 1000).toFixed(1)} s)`);
      if (state === 'skipped') done(text);
    },
  });
  done(`Deployed with the CDK: ${up.workflows.join(', ')}`);
  tellLimits(up);
  const client = await connect({ kind: 'local' }, projectDir);

  chapter('hello: one Python agent in a sandbox of its own');
  const hello = await narrate(client, { workflow: 'hello', input: { name: 'Alice' } });
  const greeted = checkGreeting(hello) && (await checkChain(client, hello));

  const gated = await demoApprovals(up);
  const { processed } = gated;
  const { markdown } = (processed.output as { report: { markdown: string } } | undefined)?.report ?? { markdown: '' };
  say('');
  // What comes before the first section: the sum of it.
  const [head = ''] = markdown.split('\n## ');
  for (const line of head.trimEnd().split('\n')) say(indent(line).trimEnd());

  const researched = await demoResearch(up, projectDir);

  chapter('Try next');
  list([
    [`npx wflo status ${processed.executionId} --local`, 'the steps, and the whole report'],
    [`npx wflo events ${processed.executionId} --local`, 'every state change, in order, and who decided'],
    [`npx wflo logs ${processed.executionId} --local`, 'what the agents printed'],
    ['npx wflo costs --local', 'what was spent on what'],
    ['npx wflo run data-processor --local', 'asks you: npx wflo approvals --local, then approve … --as grace'],
    ['npx wflo run hello --local --input \'{"name":"you"}\' --wait', 'your own execution, live'],
    ['npx wflo local down', 'stop the local AWS'],
  ]);
  chapter('Where things are');
  list([
    ['state-machines/', 'the workflows and their agents'],
    ['.wflo/', 'the local AWS: its data, logs/'],
    ['docs/guides/authoring.md', 'write a workflow of your own'],
  ]);
  return greeted && gated.ok && researched;
}

try {
  const ok = await demo();
  say('');
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  if (ok) done(`All checks passed in ${seconds} s. The local AWS goes on running.`);
  else failed('A check failed; see above.');
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  const { code, message, fix } = toErrorData(error);
  failed(`${code}: ${message}${fix === undefined ? '' : `\n    ${fix}`}`);
  process.exitCode = 1;
}
