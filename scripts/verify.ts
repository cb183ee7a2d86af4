/**
 * The one gate: every check that must hold on a clean checkout, each with its counts. Ends with the line
 * `N passed, N failed` and exits 1 when anything failed. `.ci/run` calls it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

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
  /** What failed, for the end of the log. */
  readonly failures: readonly string[];
}

interface Ended {
  readonly code: number;
  /** The last lines that it printed. */
  readonly lastLines: readonly string[];
}

const LAST_LINES = 12;

/** Prints what the command prints, as it comes. */
function run(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const [program = '', ...args] = command;
  return new Promise((resolveRun, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let kept = '';
    const keep = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
      to.write(chunk);
      kept = (kept + chunk).slice(-8192);
    };
    child.stdout.on('data', keep(process.stdout));
    child.stderr.on('data', keep(process.stderr));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const end = () => {
        clearTimeout(waited);
        child.stdout.destroy();
        child.stderr.destroy();
        const lastLines = kept.trimEnd().split('\n').slice(-LAST_LINES);
        resolveRun({ code: signal === null ? (code ?? 1) : 1, lastLines });
      };
      // What it started may hold its output open for longer than it lives.
      const waited = setTimeout(end, 2000);
      child.once('close', end);
    });
  });
}

/** Counts of a vitest JSON report; a missing report is one failure. */
function countReport(file: string): Count {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests || (report.success ? 0 : 1),
      skipped: report.numPendingTests + report.numTodoTests,
      failures: report.testResults.flatMap(({ name, message, assertionResults }) => [
        ...(message ? [`${relative(root, name)}: ${message.split('\n')[0]}`] : []),
        ...assertionResults
          .filter(({ status }) => status === 'failed')
          .map(
            ({ fullName, failureMessages }) =>
              `${relative(root, name)}: ${fullName}: ${failureMessages[0]?.split('\n')[0]}`,
          ),
      ]),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failures: ['it left no report'] };
  }
}

interface VitestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function runStage(stage: Stage): Promise<Count> {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  if (stage.vitest === undefined) {
    const { code, lastLines } = await run(stage.command, env);
    return code === 0
      ? { passed: 1, failed: 0, skipped: 0, failures: [] }
      : { passed: 0, failed: 1, skipped: 0, failures: lastLines };
  }
  const report = join(reports, `${stage.name}.json`);
  const { code, lastLines } = await run(
    [...stage.command, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    env,
  );
  const count = countReport(report);
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1, failures: lastLines } : count;
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

let passed = 0;
let failed = 0;
const summary: string[] = [];
const failures: string[] = [];
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
  failures.push(...count.failures.map((line) => `${stage.name}: ${line}`));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  summary.push(
    `${count.failed + count.skipped === 0 ? 'ok  ' : 'FAIL'} ${stage.name.padEnd(16)} ${String(count.passed).padStart(5)} passed, ${count.failed} failed, ${count.skipped} skipped  ${seconds} s`,
  );
}

if (failures.length > 0) console.log(`\n${failures.join('\n')}`);
console.log(`\n${summary.join('\n')}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
