/**
 * Synthesises the app in both network modes and has two independent readers look at every template: cfn-lint for what
 * CloudFormation would refuse, checkov for what a security review would ask about. Both are installed once, below
 * `build/`; neither calls anything but the package index for that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cdkCommand } from '../lib/local-cloud/cdk.ts';
import { CHECKOV_REASONS } from './lint-templates/checkov-reasons.ts';
import { installTool } from './lint-templates/install-tool.ts';
import { acknowledgedRules, judgeFindings, readReport } from './lint-templates/judge-findings.ts';
import { answerOfTool, root, runTool } from './lint-templates/run-tool.ts';

/** Named images: Docker is not needed to look at a template. */
const MODES = {
  private: ['-c', 'wflo:network=private'],
  open: ['-c', 'wflo:network=open', '-c', 'wflo:images=named'],
  'private, another stage': [
    '-c',
    'wflo:stage=prod',
    '-c',
    'wflo:architecture=ARM64',
    '-c',
    'wflo:availability-zones=1',
  ],
};

/** W3005: CDK writes a dependency on a whole construct, of which a reference already implies a part. */
const IGNORED = ['W3005'];

const folder = join(root, 'build', 'templates');
const templates: string[] = [];
const acknowledged = new Set<string>();

const cfnLint = await installTool('cfn-lint');
for (const [mode, context] of Object.entries(MODES)) {
  const output = join(folder, mode.replaceAll(/\W+/g, '-'));
  runTool(process.execPath, [cdkCommand(), 'synth', '--quiet', '--output', output, ...context]);
  const files = readdirSync(output);
  const ofMode = files.filter((file) => file.endsWith('.template.json')).map((file) => join(output, file));
  runTool(cfnLint, ['--ignore-checks', ...IGNORED, '--', ...ofMode]);
  console.log(`cfn-lint: ${ofMode.length} templates without findings (${mode})`);
  templates.push(...ofMode);
  for (const file of files.filter((name) => name.endsWith('.metadata.json')))
    for (const rule of acknowledgedRules(readFileSync(join(output, file), 'utf8'))) acknowledged.add(rule);
}

const checkov = await installTool('checkov');
// One call for all of them, because starting takes longer than checking; --skip-download keeps it off the network.
const report = readReport(
  answerOfTool(
    checkov,
    [
      // By names that do not depend on the checkout: checkov keeps the name of the file among the variables of a function,
      // and takes a run of exactly 40 letters, digits and slashes for a secret key (CKV_AWS_45).
      ...templates.flatMap((file) => ['--file', relative(folder, file)]),
      ...['--framework', 'cloudformation', '--skip-download', '--quiet', '--compact', '--output', 'json'],
      '--soft-fail',
    ],
    { cwd: folder, settings: { LOG_LEVEL: 'ERROR', BC_API_KEY: undefined } },
  ),
);
const { unreasoned, staleReasons } = judgeFindings(report.findings, CHECKOV_REASONS, acknowledged);
for (const { check, name, file, resource } of unreasoned)
  console.error(`checkov: ${check} ${file} ${resource}: ${name}`);
for (const stale of staleReasons) console.error(`checkov-reasons.ts: ${stale}`);
if (unreasoned.length + staleReasons.length > 0) {
  console.error('Fix the template, or give the reason in scripts/lint-templates/checkov-reasons.ts.');
  process.exitCode = 1;
} else {
  console.log(
    `checkov: ${templates.length} templates, ${report.passed} checks passed, ${report.findings.length} findings with a reason (${CHECKOV_REASONS.length} reasons)`,
  );
}
