/**
 * The local AWS of the end-to-end tests: a project of its own under `build/e2e`, with the workflows of `state-machines/`
 * of `test/e2e/workflows/` and of the smoke run, started from nothing, deployed once, and stopped at the end. It never touches `.wflo/` of the checkout.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { localDown, localReset, localUp, readLocalState } from '../../lib/local-cloud/index.ts';

export const root = resolve(import.meta.dirname, '../..');
export const projectDir = join(root, 'build', 'e2e');
/** What roles call in this run, as the local AWS writes it down. */
export const recordingFile = join(root, 'build', 'recorded-calls.jsonl');

/** Lays out the project: settings as in the checkout, workflows as links, so that their imports and code resolve as they do there. */
export function layOutProject(): void {
  mkdirSync(projectDir, { recursive: true });
  const { app, context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { app: string; context: object };
  writeFileSync(
    join(projectDir, 'cdk.json'),
    JSON.stringify(
      {
        app: app.replace('bin/app.ts', join(root, 'bin/app.ts')),
        // Not `dev`, of which a deployment keeps less. With a model of the scripted provider, and compute for nothing.
        context: { ...context, 'wflo:stage': 'e2e', 'wflo:prices': 'prices.json' },
      },
      null,
      2,
    ),
  );
  cpSync(join(root, 'test/_fixtures/prices.json'), join(projectDir, 'prices.json'));
  cpSync(join(root, 'cdk.context.json'), join(projectDir, 'cdk.context.json'));
  const machines = join(projectDir, 'state-machines');
  rmSync(machines, { recursive: true, force: true });
  mkdirSync(machines);
  for (const folder of ['state-machines', 'test/e2e/workflows', 'scripts/smoke/workflows']) {
    for (const name of readdirSync(join(root, folder))) {
      if (existsSync(join(root, folder, name, 'workflow.ts')))
        symlinkSync(join(root, folder, name), join(machines, name));
    }
  }
}

/** Vitest's global set-up of the project `e2e`. */
export default async function setUp(): Promise<() => Promise<void>> {
  layOutProject();
  const report = ({ state, text }: { state: string; text: string }) => {
    if (state !== 'started') console.log(`local AWS: ${text}`);
  };
  await localReset({ projectDir, report: () => {} });
  rmSync(recordingFile, { force: true });
  const { state } = await localUp({
    projectDir,
    report,
    recordCalls: recordingFile,
    driver: process.env.WFLO_DRIVER === 'docker' ? 'docker' : 'process',
  });
  // Read by Node at its start: the test workers are started after this.
  process.env.NODE_EXTRA_CA_CERTS = state.caFile;
  return async () => {
    await localDown({ projectDir, report: () => {} });
  };
}

export interface LocalAws {
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
  readonly stage: string;
  /** Root of the local account. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What a person who uses Wflo has. */
  readonly operator: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The running local AWS, for clients of the AWS SDK. */
export async function localAws(): Promise<LocalAws> {
  const state = await readLocalState(projectDir);
  if (state?.credentials.operator == null) throw new Error(`no local AWS is deployed in ${projectDir}`);
  return {
    endpoint: state.endpoint,
    region: state.region,
    account: state.account,
    stage: state.stage,
    credentials: state.credentials.admin,
    operator: state.credentials.operator,
  };
}
