import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { CLOUD_LABEL, TASK_LABEL } from '../../lib/local-cloud/sandbox-host/container-spec.ts';
import { dockerDriver } from '../../lib/local-cloud/sandbox-host/docker-driver.ts';
import { startSandboxHost } from '../../lib/local-cloud/sandbox-host/sandbox-host.ts';
import { limitedScratch } from '../../lib/local-cloud/sandbox-host/scratch.ts';
import { API_SOCKET } from '../../lib/local-cloud/sandbox-host/task-gate.ts';
import { buildImages, localTag } from '../../sandbox-images/build-images.ts';
import { docker } from '../../sandbox-images/docker.ts';

const HOST = fileURLToPath(new URL('host-to-kill.ts', import.meta.url));
const MIB = 1024 * 1024;

beforeAll(async () => {
  await buildImages({ env: process.env, report: () => undefined });
});

/** A host that was killed while its sandbox ran. */
interface Killed {
  readonly workFolder: string;
  readonly taskArn: string;
  /** By which its containers are found. */
  readonly label: string;
  /** Of the sockets and scratch volumes of its tasks. */
  readonly folder: string;
}

let number = 0;

async function killedHost(): Promise<Killed> {
  const workFolder = await mkdtemp(join(tmpdir(), 'wflo-killed-'));
  onTestFinished(() => rm(workFolder, { recursive: true, force: true }));
  number += 1;
  const taskId = `killed${process.pid}x${number}`;
  const child = spawn(process.execPath, ['--import', 'tsx', HOST, workFolder, taskId], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const started = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  await Promise.race([started, exited]);
  expect(told).toBe('started\n');
  child.kill('SIGKILL');
  await exited;
  // Only the relay has the gate, so that its folder is found.
  const ofTask = await said('ps', '--all', '--quiet', '--filter', `label=${TASK_LABEL}=${taskId}`);
  const format = `{{index .Config.Labels "${CLOUD_LABEL}"}} {{range .Mounts}}{{.Source}} {{end}}`;
  const inspected = (await said('inspect', '--format', format, ...ofTask)).map((line) => line.split(' '));
  const gate = inspected.flat().find((source) => source.endsWith(`/${taskId}/gate`)) ?? 'no gate';
  const killed: Killed = {
    workFolder,
    taskArn: `arn:aws:ecs:us-east-1:123456789012:task/wflo-dev/${taskId}`,
    label: `${CLOUD_LABEL}=${inspected[0]?.[0]}`,
    folder: dirname(dirname(gate)),
  };
  onTestFinished(async () => void (await newHost(killed)));
  expect(await said('ps', '--quiet', '--filter', `label=${killed.label}`)).toHaveLength(2);
  expect(existsSync(join(gate, API_SOCKET))).toBe(true);
  return killed;
}

/** Starts a host where another was killed, and stops it. Returns how it ended tasks, and what was left when it took new ones. */
async function newHost({ workFolder, taskArn, label, folder }: Killed, scratchBytes = 64 * MIB) {
  const stops: [string, string][] = [];
  const driver = await dockerDriver({ workFolder, env: process.env, log: () => undefined, scratchBytes });
  const host = await startSandboxHost({
    source: {
      listRunning: async () => (stops.length === 0 ? [taskArn] : []),
      describe: async () => [],
      stop: async (arn, reason) => void stops.push([arn, reason]),
    },
    driver,
    log: () => undefined,
    isWanted: async () => true,
  });
  const left = { ...(await leftOf({ label, folder })), files: await readdir(folder) };
  await host.stop('the test is over');
  const limited = driver.isolation.properties.find(({ property }) => property === 'disk limit')?.enforced;
  return { stops, left, limited };
}

/** Containers, mounts, and the files behind these. */
async function leftOf({ label, folder }: Pick<Killed, 'label' | 'folder'>) {
  const containers = await said('ps', '--all', '--format', '{{.Names}} {{.State}}', '--filter', `label=${label}`);
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes(`${folder}/`));
  return { containers: containers.sort(), mounts, loops: await loopsOf(folder) };
}

/** Files below the folder that loop devices are made of. */
async function loopsOf(folder: string): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = devices.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => ''));
  return (await Promise.all(files)).filter((file) => file.startsWith(`${folder}/`)).sort();
}

async function said(...parameters: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await docker(parameters, process.env);
  if (code !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

it('a new host removes what a killed one left: containers, scratch volumes and sockets, and nothing of another work folder', async () => {
  const [one, other] = [await killedHost(), await killedHost()];
  const [before, ofOther] = [await leftOf(one), await leftOf(other)];
  expect(before.containers).toEqual([expect.stringMatching(/ running$/), expect.stringMatching(/-relay running$/)]);

  const { stops, left, limited } = await newHost(one);
  expect(before).toMatchObject(limited ? { mounts: [expect.anything()], loops: [expect.anything()] } : { mounts: [] });
  expect(left).toEqual({ containers: [], mounts: [], loops: [], files: [] });
  expect(stops).toEqual([[one.taskArn, 'the sandbox host was restarted, and the sandbox was lost']]);
  expect(existsSync(one.folder)).toBe(false);

  expect(await leftOf(other)).toEqual(ofOther);
  expect(ofOther.containers).toHaveLength(2);
  expect(ofOther.mounts).toHaveLength(before.mounts.length);
});

it('a new host removes what a killed one had begun: a container that never ran, with its volume, and a trial of mounts', async () => {
  const killed = await killedHost();
  const labels = [killed.label, `${TASK_LABEL}=begun`].flatMap((label) => ['--label', label]);
  const [id = ''] = await said('create', ...labels, '--mount', 'type=volume,dst=/begun', localTag('python'));
  const [volume = ''] = await said('inspect', '--format', '{{range .Mounts}}{{.Name}}{{end}}', id);
  expect(volume).not.toBe('');
  const trial = join(killed.folder, 'trial-begun');
  await (await limitedScratch(64 * MIB, killed.folder))?.make(trial, ['/tmp']);

  const { left } = await newHost(killed);
  expect(left).toEqual({ containers: [], mounts: [], loops: [], files: [] });
  expect((await docker(['volume', 'inspect', volume], process.env)).stderr).toContain('no such volume');
});

it('a new host removes the scratch volumes of a killed one where it can make none itself', async () => {
  const killed = await killedHost();
  const { left, limited } = await newHost(killed, 1);
  expect(limited).toBe(false);
  expect(left).toEqual({ containers: [], mounts: [], loops: [], files: [] });
});
