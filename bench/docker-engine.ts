import { spawnSync } from 'node:child_process';

/** Undefined where a Docker engine answers. */
export function noDockerEngine(): string | undefined {
  const asked = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], { encoding: 'utf8', timeout: 20_000 });
  return asked.status === 0 && asked.stdout.trim() !== '' ? undefined : 'no Docker engine answers';
}
