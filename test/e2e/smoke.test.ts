/** The checks of the smoke run that need no AWS, on the local AWS, so that they are known to work before somebody pays for them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../lib/cli/target.ts';
import type { DeployedStage } from '../../scripts/smoke/check.ts';
import { CHECKS } from '../../scripts/smoke/checks.ts';
import { deployedStage } from '../../scripts/smoke/deployed-stage.ts';
import { becomeApprover } from '../../scripts/smoke/enter-stage.ts';
import { localAws, projectDir } from '../_helpers/local-aws.ts';

let stage: DeployedStage;

beforeAll(async () => {
  const { endpoint, region, account, credentials, stage: name } = await localAws();
  const client = await connect({ kind: 'local' }, projectDir);
  await becomeApprover(client);
  stage = await deployedStage({
    ...{ stage: name, account, region, client, settings: { endpoint, credentials }, patienceSeconds: 60 },
    deployChange: () => Promise.reject(new Error('the stage of the end-to-end tests is deployed once')),
  });
});

describe('checks of the smoke run', () => {
  it.each(CHECKS.filter(({ notLocally }) => notLocally === undefined))('$id: $what', async (check) => {
    expect(await check.run(stage)).not.toBe('');
  });
});
