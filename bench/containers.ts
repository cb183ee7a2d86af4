import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DROPPED_CAPABILITIES } from '../lib/constructs/sandbox-task/sandbox-tasks.ts';
import { buildImages } from '../sandbox-images/build-images.ts';
import { docker } from '../sandbox-images/docker.ts';
import { runnerWorld } from '../test/_helpers/runner-world.ts';
import { type Benchmark, type Figure, median, round } from './bench.ts';
import { noDockerEngine } from './docker-engine.ts';

const RUNS = 10;
const BASES = {
  python: 'public.ecr.aws/docker/library/python:3.11-slim-bookworm',
  node: 'public.ecr.aws/docker/library/node:22-bookworm-slim',
} as const;

/** The images in containers of this machine, started as the task definition has it. Builds the images first. */
export const containers: Benchmark = {
  name: 'containers',
  title: 'Sandbox images in Docker',
  notRun: noDockerEngine,
  run: async () => {
    const tags = await buildImages({ env: process.env, report: () => undefined });
    const starts: number[] = [];
    for (let run = 0; run < RUNS; run++) starts.push(await startMilliseconds(tags.python ?? ''));
    const figures: Figure[] = [
      {
        what: `container start to the first instruction of the agent, median of ${RUNS}`,
        value: round(median(starts), 0),
        unit: 'ms',
        limit: 300,
      },
    ];
    for (const [image, base] of Object.entries(BASES)) {
      const bytes = await compressedBytesAbove(tags[image] ?? '', base);
      figures.push({
        what: `image \`${image}\` above its base, compressed`,
        value: round(bytes / 1e6),
        unit: 'MB',
        limit: 120,
      });
    }
    return figures;
  },
};

/** From the start that the engine notes to what the agent's first command says; the API is in this process. */
async function startMilliseconds(image: string): Promise<number> {
  const world = await runnerWorld({ command: ['bash', '-c', 'echo "$EPOCHREALTIME" > "$WFLO_OUTPUT"'] });
  const name = `wflo-bench-${process.pid}`;
  try {
    const { PATH: _path, WFLO_ROOT: _root, ...variables } = world.variables();
    await dockerOut(
      [
        'run',
        '--name',
        name,
        '--network',
        'host',
        '--init',
        '--read-only',
        '--volume',
        '/workspace',
        '--volume',
        '/tmp',
      ],
      DROPPED_CAPABILITIES.flatMap((capability) => ['--cap-drop', capability]),
      Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      [image],
    );
    const started = await dockerOut(['inspect', '--format', '{{.State.StartedAt}}', name]);
    return Number(await world.outputOf()) * 1000 - Date.parse(started.trim());
  } finally {
    await docker(['rm', '--force', '--volumes', name], process.env);
    await world.close();
  }
}

/** Gzip sizes of the layers that the image has and its base has not. */
async function compressedBytesAbove(image: string, base: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wflo-image-'));
  try {
    const archive = join(folder, 'image.tar');
    await dockerOut(['save', '--output', archive, image]);
    const unpacked = spawnSync('tar', ['-xf', archive, '-C', folder], { encoding: 'utf8' });
    if (unpacked.status !== 0) throw new Error(unpacked.stderr);
    const [manifest] = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { Layers: string[] }[];
    const below = JSON.parse(await dockerOut(['inspect', '--format', '{{json .RootFS.Layers}}', base])) as string[];
    let bytes = 0;
    for (const layer of manifest?.Layers.slice(below.length) ?? []) bytes += await compressedBytes(join(folder, layer));
    return bytes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compressedBytes(file: string): Promise<number> {
  let bytes = 0;
  const count = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline(createReadStream(file), createGzip(), count);
  return bytes;
}

async function dockerOut(...words: readonly (readonly string[])[]): Promise<string> {
  const { code, stdout, stderr } = await docker(words.flat(), process.env);
  if (code !== 0) throw new Error(`docker ${words[0]?.[0]} ended with ${code}: ${stderr}`);
  return stdout;
}
