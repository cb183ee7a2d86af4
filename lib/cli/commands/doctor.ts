import { WfloError } from '../../errors.ts';
import type { DoctorReport } from '../../local-cloud/index.ts';
import type { Command } from '../command.ts';
import { type Style, visible } from '../style.ts';
import { table } from '../table.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'check this machine and the deployment, and say what to do',
  description: 'Exit 1 when a check failed; warnings do not count.',
  positionals: [],
  options: [
    { name: 'stage', value: 'STAGE', summary: 'the deployed stage (default: WFLO_STAGE, then cdk.json, then dev)' },
  ],
  json: '`{ ok, checks: [{ name, level, message, details?, fix? }] }`, `level` being `ok`, `warn` or `fail`',
  examples: [{ command: 'wflo doctor', shows: 'Node, Python, Docker, the local AWS, the deployment' }],
  async run(invocation, { env, output, projectDir }) {
    const stage = invocation.value('stage') ?? (env.WFLO_STAGE || undefined);
    const local = await import('../../local-cloud/index.ts');
    const report = await local.doctor({ projectDir, ...(stage === undefined ? {} : { stage }) });
    output.result(report, () => doctorLines(report, output.style));
    if (report.ok) return;
    const failed = report.checks.filter((check) => check.level === 'fail').map((check) => check.name);
    throw new WfloError(
      'check_failed',
      `${failed.length} of ${report.checks.length} checks failed: ${failed.join(', ')}`,
      {
        fix: 'each failed check says what to do',
        details: { failed },
      },
    );
  },
};

const MARKS = { ok: ['✓', 'green'], warn: ['!', 'yellow'], fail: ['✗', 'red'] } as const;

export function doctorLines(report: DoctorReport, style: Style): string[] {
  const lines = table(
    report.checks.map(({ level, name, message }) => {
      const [mark, colour] = MARKS[level];
      return [`${style(colour, mark)} ${name}`, visible(message)];
    }),
  );
  return report.checks.flatMap(({ details = [], fix }, index) => [
    lines[index] ?? '',
    ...details.map((detail) => `    ${visible(detail)}`),
    ...(fix === undefined ? [] : [`    ${style('bold', 'fix')}: ${visible(fix)}`]),
  ]);
}
