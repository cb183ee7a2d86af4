import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processDriver } from '../../lib/local-cloud/sandbox-host/process-driver.ts';
import { processesWith } from '../../sandbox-images/runner/src/stray-processes.ts';
import { runnerLog } from './runner-log.ts';
import type { Target } from './target.ts';

export async function processTarget(): Promise<Target> {
  const workFolder = await mkdtemp(join(tmpdir(), 'wflo-process-driver-'));
  const caFile = join(workFolder, 'ca.pem');
  await writeFile(caFile, '');
  const log = runnerLog();
  const driver = await processDriver({ workFolder, caFile, env: process.env, log: log.write });
  const rootOf = (taskId: string): string => join(workFolder, 'tasks', taskId);
  return {
    name: 'process',
    driver,
    imageOf: (image) => image,
    async killRunner(taskId) {
      for (const pid of await processesWith(`WFLO_ROOT=${rootOf(taskId)}\0`)) process.kill(pid, 'SIGKILL');
    },
    async remains(taskId) {
      const pids = await processesWith(`${rootOf(taskId)}`);
      return [...pids.map((pid) => `process ${pid}`), ...(existsSync(rootOf(taskId)) ? ['its folder'] : [])];
    },
    said: log.said,
    async close() {
      await driver.close();
      await rm(workFolder, { recursive: true, force: true });
    },
  };
}
