import { dockerDriver } from '../../lib/local-cloud/sandbox-host/docker-driver.ts';
import { localTag } from '../../sandbox-images/build-images.ts';
import { taskOf } from './task.ts';

/**
 * What a sandbox host is to its sandbox, as a process that a test may kill: `host-to-kill.ts <work folder> <task id>`.
 * Says `started` when the sandbox runs, which does nothing and ends when it is killed.
 */
const [workFolder = '', taskId = ''] = process.argv.slice(2);
const driver = await dockerDriver({
  workFolder,
  env: process.env,
  log: () => undefined,
  scratchBytes: 64 * 1024 * 1024,
});
const task = taskOf(taskId, localTag('python'), { WFLO_API: 'http://127.0.0.1:9' });
await driver.start({ ...task, container: { ...task.container, entryPoint: ['sleep', '1000'], command: [] } });
process.stdout.write('started\n');
