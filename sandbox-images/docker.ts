import { spawn } from 'node:child_process';

export interface DockerResult {
  /** Null: the Docker client could not be started, or was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is kept of each stream of a call. */
const KEPT_CHARACTERS = 32 * 1024 * 1024;

/** Runs the Docker client without a shell. Never rejects: what went wrong is in `code` and `stderr`. */
export function docker(parameters: readonly string[], env: NodeJS.ProcessEnv): Promise<DockerResult> {
  return new Promise((resolve) => {
    const child = spawn('docker', parameters, { env, shell: false, stdio: ['ignore', 'pipe', 'pipe'] });
    const told = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        told[stream] = (told[stream] + text).slice(-KEPT_CHARACTERS);
      });
    }
    child.once('error', (error) => resolve({ ...told, code: null, stderr: `docker: ${error.message}` }));
    child.once('close', (code) => resolve({ ...told, code }));
  });
}

/** The last words of a failed call, for a message. */
export function lastLines({ stdout, stderr }: DockerResult, lines = 12): string {
  return `${stdout}\n${stderr}`.trim().split('\n').slice(-lines).join('\n');
}
