/**
 * The one gate: every check that must hold on a clean checkout, each with its counts. Ends with the line
 * `N passed, N failed` and exits 1 when anything failed. `.ci/run` calls it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const reports = join(root, 'build', 'verify');

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
  /** A vitest run: its JSON report is counted, test by test. */
  readonly vitest?: true;
  /** Why this machine cannot run the stage; the summary says so, and nothing of it is counted as passed. */
  readonly notRun?: () => string | undefined;
}

const vitest = (name: string, ...projects: string[]): Stage => ({
  name,
  vitest: true,
  command: ['vitest', 'run', ...projects.flatMap((project) => ['--project', project])],
});

/** Undefined where a Docker engine answers. */
function noDockerEngine(): string | undefined {
  const asked = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { encoding: 'utf8', timeout: 20_000 });
  return asked.status === 0 && asked.stdout.trim() !== ''
    ? undefined
    : 'no Docker engine answers, so sandboxes in containers are not tested here';
}

const STAGES: readonly Stage[] = [
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  vitest('unit', 'unit', 'cdk'),
  vitest('chaos', 'chaos'),
  vitest('sandbox', 'sandbox'),
  { ...vitest('docker', 'docker'), notRun: noDockerEngine },
  { name: 'synth', command: ['npm', 'run', '--silent', 'synth'] },
  { name: 'templates', command: ['npm', 'run', '--silent', 'lint:templates'] },
  vitest('dynamodb-local', 'dynamodb-local'),
  vitest('e2e', 'e2e'),
  vitest('faults', 'faults'),
  { name: 'demo', command: ['npm', 'run', '--silent', 'demo'] },
  { name: 'demo again', command: ['npm', 'run', '--silent', 'demo'] },
  { name: 'local down', command: ['node', 'bin/wflo.mjs', 'local', 'down'] },
];

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function run(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolveRun, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolveRun(signal === null ? (code ?? 1) : 1));
  });
}

/** Counts of a vitest JSON report; a missing report is one failure. */
function countReport(file: string): Count {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number | boolean>;
    const number = (key: string) => Number(report[key] ?? 0);
    return {
      passed: number('numPassedTests'),
      failed: number('numFailedTests') || (report.success === true ? 0 : 1),
      skipped: number('numPendingTests') + number('numTodoTests'),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function runStage(stage: Stage): Promise<Count> {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  if (stage.vitest === undefined) {
    const code = await run(stage.command, env);
    return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
  }
  const report = join(reports, `${stage.name}.json`);
  const code = await run(
    [...stage.command, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    env,
  );
  const count = countReport(report);
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

let passed = 0;
let failed = 0;
const summary: string[] = [];
for (const stage of STAGES) {
  const started = Date.now();
  console.log(`\n== ${stage.name}`);
  const reason = stage.notRun?.();
  if (reason !== undefined) {
    console.log(`NOT RUN: ${reason}`);
    summary.push(`NOT RUN ${stage.name}: ${reason}`);
    continue;
  }
  const count = await runStage(stage);
  // A skipped test is a failure of the gate: what is not run is not known.
  passed += count.passed;
  failed += count.failed + count.skipped;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  summary.push(
    `${count.failed + count.skipped === 0 ? 'ok  ' : 'FAIL'} ${stage.name.padEnd(16)} ${String(count.passed).padStart(5)} passed, ${count.failed} failed, ${count.skipped} skipped  ${seconds} s`,
  );
}

console.log(`\n${summary.join('\n')}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
