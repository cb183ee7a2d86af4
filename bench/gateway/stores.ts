import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { endpointOf, LOCAL_ADMIN, startEmulator, stopEmulator } from '../../lib/local-cloud/emulator.ts';
import { localPaths } from '../../lib/local-cloud/paths.ts';
import { installEmulator } from '../../lib/local-cloud/python.ts';
import { createTables } from '../../test/_helpers/create-tables.ts';
import { startDynamoDbLocal } from '../../test/_helpers/dynamodb-local.ts';
import { root } from '../timed-command.ts';
import type { StoreConfig } from './ours.ts';

export interface Store {
  readonly config: StoreConfig;
  stop(): Promise<unknown>;
}

export async function dynamoDbLocalStore(): Promise<Store> {
  const { client, endpoint, credentials, stop } = await startDynamoDbLocal();
  return { config: { endpoint, credentials, tables: await createTables(client) }, stop };
}

/** The emulator of the local AWS, with nothing but the tables in it, over TLS as always. */
export async function emulatorStore(): Promise<Store> {
  const folder = join(root, 'build', 'bench-gateway-emulator');
  const paths = localPaths(folder);
  const { python } = await installEmulator(folder, process.env, () => undefined);
  const started = await startEmulator({ paths, python, searchPath: process.env.PATH ?? '' });
  const stop = () => stopEmulator(paths, started.process, false);
  try {
    const endpoint = endpointOf(started.port);
    const httpsAgent = new Agent({ ca: await readFile(paths.caFile) });
    const client = new DynamoDBClient({
      ...{ endpoint, region: 'us-east-1', credentials: LOCAL_ADMIN },
      requestHandler: { httpsAgent },
    });
    const tables = await createTables(client);
    client.destroy();
    return { config: { endpoint, credentials: LOCAL_ADMIN, caFile: paths.caFile, tables }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
