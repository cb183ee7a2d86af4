import { access, readFile, rename, writeFile } from 'node:fs/promises';
import { dockerDriver } from './docker-driver.ts';
import { parseHostConfig } from './host-config.ts';
import { standardOutputLog as log } from './host-log.ts';
import { processDriver } from './process-driver.ts';
import { startSandboxHost } from './sandbox-host.ts';
import { ecsTaskSource } from './task-source.ts';

/** The sandbox host as a process: `main.ts <config.json>`. Ends with 0 when it was told to, or is not wanted any more. */
const configFile = process.argv[2] ?? '';
const config = parseHostConfig(await readFile(configFile, 'utf8'), configFile);
const settings = { workFolder: config.workFolder, caFile: config.caFile, env: process.env, log };
const driver = await (config.driver === 'docker'
  ? dockerDriver({ ...settings, ...(config.modelsUrl === undefined ? {} : { modelsUrl: config.modelsUrl }) })
  : processDriver(settings));
const host = await startSandboxHost({
  source: ecsTaskSource(config, config.credentials, `wflo-${config.stage}`),
  driver,
  log,
  isWanted: () =>
    access(configFile).then(
      () => true,
      () => false,
    ),
});
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => void host.stop(`told to stop (${signal})`));

// Written as a whole: whoever waits for it never reads half of it.
await writeFile(`${config.statusFile}.new`, JSON.stringify({ isolation: driver.isolation }));
await rename(`${config.statusFile}.new`, config.statusFile);
log('taking tasks', { cluster: `wflo-${config.stage}`, driver: driver.isolation.driver });
log('ended', { reason: await host.ended });
process.exit(0);
