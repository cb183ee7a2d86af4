import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processDriver } from '../lib/local-cloud/sandbox-host/process-driver.ts';
import { runnerBundle, runnerWorld, type World } from '../test/_helpers/runner-world.ts';
import { taskOf } from '../test/sandbox/task.ts';
import { type Benchmark, median, round } from './bench.ts';

const RUNS = 15;

/** What the runner adds to an agent that does nothing, against an API in this process that answers at once. */
export const sandbox: Benchmark = {
  name: 'sandbox',
  title: "The runner's own cost, in a process",
  run: async () => {
    const alone: number[] = [];
    const within: number[] = [];
    const withModels: number[] = [];
    const memory: number[] = [];
    const workFolder = await mkdtemp(join(tmpdir(), 'wflo-bench-'));
    const caFile = join(workFolder, 'ca.pem');
    await writeFile(caFile, '');
    const driver = await processDriver({ workFolder, caFile, env: process.env, log: () => undefined });
    try {
      for (let run = 0; run < RUNS; run++) {
        alone.push(await millisecondsOf(() => ended(spawn('true', { stdio: 'ignore' }))));
        const sandboxOf = (kind: string) => (world: World) => {
          const task = taskOf(`bench${run}${kind}`, 'python', world.variables());
          return millisecondsOf(async () => {
            const end = await (await driver.start(task)).ended;
            if (end.code !== 0) throw new Error(end.detail);
          });
        };
        within.push(await withWorld(sandboxOf('')));
        // Nothing listens there: an agent that does nothing calls no model.
        withModels.push(await withWorld(sandboxOf('m'), 'http://127.0.0.1:9/models'));
        memory.push(await withWorld(peakMemoryBytes));
      }
    } finally {
      await driver.close();
      await rm(workFolder, { recursive: true, force: true });
    }
    return [
      {
        what: `time of a sandbox whose agent does nothing, without the agent's own ${round(median(alone))} ms, median of ${RUNS}`,
        value: round(median(within) - median(alone), 0),
        unit: 'ms',
        limit: 150,
      },
      {
        what: `the same with a way to the models, more than without: median of the ${RUNS} differences`,
        value: round(median(withModels.map((value, run) => value - (within[run] ?? value)))),
        unit: 'ms',
        limit: 15,
      },
      {
        what: `largest memory of the runner (resident), median of ${RUNS}`,
        value: round(median(memory) / 1e6),
        unit: 'MB',
        limit: 90,
      },
    ];
  },
};

async function withWorld(use: (world: World) => Promise<number>, modelsUrl?: string): Promise<number> {
  const world = await runnerWorld({ command: ['true'] }, undefined, modelsUrl);
  try {
    return await use(world);
  } finally {
    await world.close();
  }
}

/** Of the runner, as the kernel counted it when the outcome is reported. */
async function peakMemoryBytes(world: World): Promise<number> {
  const bundle = await runnerBundle();
  let peak = Number.NaN;
  const child = spawn(process.execPath, [bundle], { env: world.variables(), stdio: 'ignore' });
  world.intercept = (call) => {
    if (call !== 'complete') return false;
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
    peak = Number(kilobytes) * 1024;
    return false;
  };
  await ended(child);
  return peak;
}

async function millisecondsOf(what: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await what();
  return performance.now() - began;
}

function ended(child: ReturnType<typeof spawn>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
