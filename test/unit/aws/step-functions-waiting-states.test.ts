import { SFNClient } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { stepFunctionsWaitingStates } from '../../../lib/aws/step-functions-waiting-states.ts';
import { describeWaitingStatesContract } from '../../_helpers/contracts/waiting-states.ts';
import { FakeWaitingStates } from '../../_helpers/fakes/fake-waiting-states.ts';
import { awsError, type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

describeWaitingStatesContract('fake', () => {
  const states = new FakeWaitingStates();
  let count = 0;
  return {
    states,
    async wait() {
      count += 1;
      const token = `token-${count}`;
      states.waiting.add(token);
      return token;
    },
    async toldTo(token) {
      return states.resumed.find((one) => one.token === token)?.output;
    },
  };
});

function resume(answer: ScriptedAnswer) {
  const { settings, requests } = scriptedAws(() => answer);
  const states = stepFunctionsWaitingStates({ sfn: new SFNClient(settings) });
  return { result: states.resume('token', { decision: 'granted' }), requests };
}

describe('a waiting state of Step Functions', () => {
  it('is told the output', async () => {
    const { result, requests } = resume({});
    expect(await result).toBe('resumed');
    expect(requests.map(({ operation }) => operation)).toEqual(['SendTaskSuccess']);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ taskToken: 'token', output: '{"decision":"granted"}' });
  });

  it.each(['TaskDoesNotExist', 'TaskTimedOut', 'InvalidToken'])('is gone on %s', async (name) => {
    expect(await resume(awsError(name)).result).toBe('gone');
  });

  it.each(['KmsAccessDeniedException', 'AccessDeniedException', 'InvalidOutput', 'ThrottlingException'])(
    'is not taken to be gone on %s',
    async (name) => {
      await expect(resume(awsError(name)).result).rejects.toMatchObject({ name });
    },
  );
});
