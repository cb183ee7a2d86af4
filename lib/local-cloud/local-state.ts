import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { WfloError } from '../errors.ts';
import { localPaths } from './paths.ts';

const STATE_SCHEMA = 1;

const Credentials = z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) });

const ProcessRecord = z.object({
  pid: z.number().int().positive(),
  /** Tells this process from a later one that got the same pid (see `process-identity.ts`). */
  startedIdentity: z.string().min(1),
  startedAt: z.string(),
  logFile: z.string(),
});

const LocalStateSchema = z.object({
  schema: z.literal(STATE_SCHEMA),
  /** Base URL of the emulator, without a trailing slash: `https://localhost:<port>`. */
  endpoint: z.string(),
  port: z.number().int().min(1).max(65535),
  region: z.string(),
  account: z.string(),
  stage: z.string(),
  /** PEM file that clients of `endpoint` must trust. */
  caFile: z.string(),
  emulatorVersion: z.string(),
  /** Null: stopped by `local down`. */
  emulator: ProcessRecord.nullable(),
  sandboxHost: ProcessRecord.extend({ statusFile: z.string() }).nullable(),
  /** Absent: none was started yet. */
  gateway: ProcessRecord.nullable().optional(),
  /** Chosen once: it is part of what is deployed. */
  gatewayPort: z.number().int().min(1).max(65535).optional(),
  credentials: z.object({
    /** What a person who uses Wflo would have: the control API and the parameters that lead to it. Null before the first deploy. */
    operator: Credentials.nullable(),
    /** Root of the local account: deploys and tests only. */
    admin: Credentials,
  }),
  /** Keys of the people that `local up` made, by person id, for `--as`. Absent before the first deploy. */
  people: z.record(z.string(), Credentials).optional(),
  /** Null before the first deploy. */
  deployed: z
    .object({ hash: z.string(), at: z.string(), controlApiUrl: z.string().nullable(), workflows: z.array(z.string()) })
    .nullable(),
});

/** What `.wflo/local.json` holds. The CLI and tests find the local AWS through it. */
export type LocalState = Readonly<z.infer<typeof LocalStateSchema>>;
export type LocalProcess = Readonly<z.infer<typeof ProcessRecord>>;
export type LocalCredentials = Readonly<z.infer<typeof Credentials>>;

export function localStateOf(values: Omit<LocalState, 'schema'>): LocalState {
  return { schema: STATE_SCHEMA, ...values };
}

/** The keys of one of the people that `local up` made. Throws `unknown_person`, and names those that there are. */
export function personCredentials({ people = {} }: Pick<LocalState, 'people'>, personId: string): LocalCredentials {
  const credentials = Object.hasOwn(people, personId) ? people[personId] : undefined;
  if (credentials !== undefined) return credentials;
  const names = Object.keys(people).sort();
  throw new WfloError('unknown_person', `the local AWS has no keys of a person "${personId}"`, {
    fix: names.length === 0 ? 'run `wflo local up`, which makes people to try with' : `use one of: ${names.join(', ')}`,
    details: { personId, people: names },
  });
}

/** Undefined where there is none. Throws `local_state_corrupt` for a file that is not one of ours. */
export async function readLocalState(projectDir: string): Promise<LocalState | undefined> {
  const file = localPaths(projectDir).stateFile;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw corrupt(file, (error as Error).message, error);
  }
  return parseLocalState(text, file);
}

export function parseLocalState(text: string, file: string): LocalState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(file, (error as Error).message, error);
  }
  const parsed = LocalStateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(file, `${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'invalid'}`, parsed.error);
}

/** Replaces the file as a whole, readable by the owner only (it holds credentials of the local account). */
export async function writeLocalState(projectDir: string, state: LocalState): Promise<void> {
  const file = localPaths(projectDir).stateFile;
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    await chmod(temporary, 0o600);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function corrupt(file: string, reason: string, cause: unknown): WfloError {
  return new WfloError('local_state_corrupt', `${file} cannot be read: ${reason}`, {
    fix: `Delete it and run \`wflo local up\`, which writes it anew and keeps the data. To begin from nothing: \`wflo local reset\`.`,
    cause,
  });
}
