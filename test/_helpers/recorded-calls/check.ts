/** Set-up of every end-to-end file: after it, what roles have called so far must be in the committed summary. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterAll, expect } from 'vitest';
import { localAws, recordingFile, root } from '../local-aws.ts';
import { UNRECORDED } from '../permissions/unrecorded-calls.ts';
import { deployedResourceIds, namesOf } from './deployed-names.ts';
import { addToSummary, lineOf, normalise, readRecording, summary } from './recorded.ts';

afterAll(async () => {
  const { endpoint, region, credentials } = await localAws();
  const client = new CloudFormationClient({ endpoint, region, credentials });
  const calls = normalise(readRecording(recordingFile), namesOf(await deployedResourceIds(client)));
  client.destroy();

  const folder = join(root, 'build', 'recorded-calls');
  mkdirSync(folder, { recursive: true });
  const file = basename(expect.getState().testPath ?? 'unknown', '.test.ts');
  writeFileSync(join(folder, `${file}.json`), `${JSON.stringify(calls, null, 2)}\n`);
  if (process.env.UPDATE_CALLS === '1') addToSummary(calls);

  // What no run is sure to reach is listed with its reason; a run that gets there all the same does nothing wrong.
  const known = new Set([...summary(), ...UNRECORDED.map(lineOf)]);
  expect(
    calls.filter((call) => !known.has(call)),
    'roles made calls that test/_fixtures/recorded-calls.txt does not have. If they are meant, add them: UPDATE_CALLS=1 npm run test:e2e',
  ).toEqual([]);
});
