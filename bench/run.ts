/**
 * `npm run bench [name …]`: each benchmark prints one table and writes `bench/results/<name>.json`; the table of the
 * README is made of all results. Exits 1 when a figure is beyond its limit.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { approvals } from './approvals.ts';
import type { Benchmark, Figure } from './bench.ts';
import { bundles } from './bundles.ts';
import { containers } from './containers.ts';
import { demo } from './demo.ts';
import { deploy } from './deploy.ts';
import { gateway } from './gateway.ts';
import { ledger } from './ledger.ts';
import { overshoot } from './overshoot.ts';
import { sandbox } from './sandbox.ts';
import { step } from './step.ts';
import { synth } from './synth.ts';
import { root } from './timed-command.ts';

const BENCHMARKS: readonly Benchmark[] = [
  ...[bundles, synth, deploy, demo, step, approvals],
  ...[gateway, overshoot, ledger, sandbox, containers],
];
const results = join(root, 'bench', 'results');

interface Result {
  readonly title: string;
  readonly machine: string;
  readonly figures: readonly Figure[];
}

const shown = ({ value, unit }: Figure) => `${value}${unit === '' ? '' : ` ${unit}`}`;
const limitOf = ({ limit, unit }: Figure) => (limit === undefined ? '' : `${limit}${unit === '' ? '' : ` ${unit}`}`);

function table(figures: readonly Figure[]): string {
  return [
    '| what | measured | limit |',
    '|---|---|---|',
    ...figures.map((figure) => `| ${figure.what} | ${shown(figure)} | ${limitOf(figure)} |`),
  ].join('\n');
}

/** Of a list in which all have one limit the README shows the largest only. */
function forReadme({ title, figures }: Result): readonly Figure[] {
  const [first] = figures;
  const alike = figures.every(({ limit }) => limit !== undefined && limit === first?.limit);
  if (figures.length < 6 || !alike) return figures.filter(({ detail }) => detail !== true);
  const largest = figures.reduce((a, b) => (b.value > a.value ? b : a));
  return [{ ...largest, what: `${title}, largest of ${figures.length} (${largest.what})` }];
}

function updateReadme(): void {
  const all = readdirSync(results)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(results, file), 'utf8')) as Result);
  const file = join(root, 'README.md');
  const text = readFileSync(file, 'utf8');
  const block = `<!-- bench -->\n${table(all.flatMap(forReadme))}\n<!-- /bench -->`;
  writeFileSync(file, text.replace(/<!-- bench -->[\s\S]*<!-- \/bench -->/, block));
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`unknown benchmark: ${unknown.join(', ')}; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
for (const { name, title, notRun, run } of BENCHMARKS.filter(
  ({ name }) => wanted.length === 0 || wanted.includes(name),
)) {
  const reason = notRun?.();
  if (reason !== undefined) {
    console.log(`\n${title}\n\nnot run: ${reason}`);
    continue;
  }
  const figures = await run();
  console.log(`\n${title}\n\n${table(figures)}`);
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify({ title, machine, figures }, null, 2)}\n`);
  for (const figure of figures.filter(({ value, limit }) => limit !== undefined && !(value <= limit))) {
    console.error(`beyond its limit: ${figure.what}: ${shown(figure)}, limit ${limitOf(figure)}`);
    process.exitCode = 1;
  }
}
updateReadme();
