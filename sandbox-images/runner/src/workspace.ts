import { chmod, lchown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WORKSPACE_LIMIT_BYTES, type Work } from '../../../lib/sandbox/protocol.ts';
import { extractArchive } from './archive.ts';
import { ARCHIVE_BYTES_LIMIT } from './archive-limits.ts';
import { download } from './download.ts';
import type { RunnerEnvironment } from './environment.ts';
import type { Timings } from './timings.ts';

/** Folders and files of one step below the root. */
export interface Workspace {
  /** The agent's working directory. */
  readonly code: string;
  /** What an earlier step left and a later one may get. */
  readonly carried: string;
  readonly home: string;
  readonly temporary: string;
  readonly input: string;
  readonly output: string;
  /** What clients of the model proxy trust. */
  readonly certificate: string;
}

/** Inputs come from the control plane's own store; this bounds what one may be (64 MiB). */
const INPUT_BYTES_LIMIT = 64 * 1024 * 1024;

export function workspaceAt(root: string): Workspace {
  return {
    code: join(root, 'code'),
    carried: join(root, 'workspace'),
    home: join(root, 'home'),
    temporary: join(root, 'tmp'),
    input: join(root, 'input.json'),
    output: join(root, 'output.json'),
    certificate: join(root, 'models.pem'),
  };
}

/**
 * Makes the folders, fetches the code, the workspace and the input, and hands all of it to the agent's user.
 * `certificate`: PEM; absent where there is no model gateway.
 */
export async function prepareWorkspace(
  environment: RunnerEnvironment,
  work: Work,
  timings: Timings,
  certificate?: string,
): Promise<Workspace> {
  const workspace = workspaceAt(environment.root);
  const { code, carried, home, temporary } = workspace;
  for (const folder of [code, carried, home, temporary]) await mkdir(folder, { recursive: true });
  if (work.code !== null) {
    const archive = join(environment.root, 'code.tar.gz');
    await download({ what: 'code', ...work.code, file: archive, limitBytes: ARCHIVE_BYTES_LIMIT }, timings);
    await extractArchive(archive, { what: 'the code archive', folder: code, links: false });
    await rm(archive);
  }
  if (work.workspace) {
    const archive = join(environment.root, 'workspace.tar.gz');
    const source = { what: 'workspace', ...work.workspace, file: archive, limitBytes: WORKSPACE_LIMIT_BYTES };
    await download(source, timings);
    await extractArchive(archive, { what: 'the archive of the workspace', folder: carried, links: true });
    await rm(archive);
  }
  if ('inline' in work.input) await writeFile(workspace.input, JSON.stringify(work.input.inline));
  else await download({ what: 'input', ...work.input, file: workspace.input, limitBytes: INPUT_BYTES_LIMIT }, timings);
  if (certificate !== undefined) await writeFile(workspace.certificate, certificate);
  const uid = agentUser(environment);
  if (uid !== undefined) await giveTo(uid, environment.root);
  return workspace;
}

/** The user that the agent becomes; only root can become another. */
export function agentUser(environment: RunnerEnvironment): number | undefined {
  return process.getuid?.() === 0 ? environment.agentUid : undefined;
}

/**
 * The agent has ended: its output becomes the runner's own. A runner that is root without the right to pass over file
 * modes (CAP_DAC_OVERRIDE is dropped on Fargate) could not read what the agent left readable for itself only.
 */
export async function takeBack(environment: RunnerEnvironment): Promise<void> {
  if (agentUser(environment) === undefined) return;
  await lchown(environment.root, 0, 0);
  await chmod(environment.root, 0o755);
  await lchown(workspaceAt(environment.root).output, 0, 0).catch(() => undefined);
}

/** From the inside out: without CAP_DAC_OVERRIDE nothing can be changed in a folder that was given away. */
async function giveTo(uid: number, path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(uid, child);
    else await lchown(child, uid, uid);
  }
  await lchown(path, uid, uid);
}
