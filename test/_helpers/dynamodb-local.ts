import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';

const POM = fileURLToPath(new URL('../dynamodb-local/pom.xml', import.meta.url));
const JARS = fileURLToPath(new URL('../../build/dynamodb-local/', import.meta.url));

export interface DynamoDbLocal {
  readonly client: DynamoDBClient;
  /** For clients of other processes. */
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** Starts the engine of DynamoDB on a free port, in memory. Needs Java 17 and Maven; fetches the jars once. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  if (!existsSync(`${JARS}DynamoDBLocal-3.3.1.jar`)) {
    await promisify(execFile)('mvn', [
      '-q',
      '-B',
      '-f',
      POM,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${JARS}`,
    ]);
  }
  const port = await freePort();
  const server = spawn(
    'java',
    [
      '-XX:+UseSerialGC',
      // What a request allocates is gone with it.
      '-Xms384m',
      '-Xmn256m',
      '-cp',
      `${JARS}*`,
      'software.amazon.dynamodb.services.local.main.ServerRunner',
      '-inMemory',
      '-disableTelemetry',
      '-port',
      `${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  server.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  while (!(await answers(client))) {
    if (server.exitCode !== null) throw new Error(`DynamoDB Local ended with ${server.exitCode}: ${errors}`);
    await sleep(100);
  }
  return {
    ...{ client, endpoint, credentials },
    async stop() {
      client.destroy();
      server.kill();
      await ended;
    },
  };
}

async function answers(client: DynamoDBClient): Promise<boolean> {
  return client.send(new ListTablesCommand({})).then(
    () => true,
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
