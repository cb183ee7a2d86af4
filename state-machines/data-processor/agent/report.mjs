/**
 * Writes the plan as a report that a person can decide on.
 *
 * Input:  { plan: <output of plan-cleanup> }
 * Output: { title, markdown }
 */
import { readFile, writeFile } from 'node:fs/promises';

const SHOWN_IDS = 10;

function levelOf(risk) {
  if (risk >= 60) return 'high';
  return risk >= 30 ? 'medium' : 'low';
}

function sizeOf(bytes) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

function records(count) {
  return count === 1 ? '1 record' : `${count} records`;
}

function reportOf(plan) {
  const title = `Clean-up plan of ${plan.asOf}: ${records(plan.count)}, risk ${plan.risk} of 100 (${levelOf(plan.risk)})`;
  const shown = plan.ids.slice(0, SHOWN_IDS);
  const lines = [
    `# ${title}`,
    '',
    `Of ${records(plan.examined)}, ${plan.count} (${sizeOf(plan.bytes)}) were last used before ${plan.cutoff} and can be deleted. Nothing has been deleted yet.`,
    '',
    '| Kind | Examined | To delete | Size |',
    '|---|---:|---:|---:|',
    ...plan.byKind.map((row) => `| ${row.kind} | ${row.examined} | ${row.selected} | ${sizeOf(row.bytes)} |`),
    '',
    '## Risk',
    '',
    ...(plan.reasons.length === 0
      ? ['Nothing speaks against it.']
      : plan.reasons.map(({ points, text }) => `- **+${points}**: ${text}`)),
    '',
    '## Old, but kept',
    '',
    ...(plan.kept.length === 0 ? ['None.'] : plan.kept.map(({ reason, count }) => `- ${records(count)}: ${reason}`)),
    '',
    '## Records to delete',
    '',
    ...(shown.length === 0 ? ['None.'] : shown.map((id) => `- \`${id}\``)),
    ...(plan.ids.length > shown.length ? [`- and ${plan.ids.length - shown.length} more`] : []),
    '',
  ];
  return { title, markdown: lines.join('\n') };
}

const { plan } = JSON.parse(await readFile(process.env.WFLO_INPUT, 'utf8'));
const report = reportOf(plan);
console.log(report.title);
await writeFile(process.env.WFLO_OUTPUT, JSON.stringify(report));
