import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { expect, it } from 'vitest';
import { bedrockInvocationLogs } from '../../../lib/aws/bedrock-invocation-logs.ts';
import type { Json } from '../../../lib/json.ts';
import { lookup, NOVA } from '../../_fixtures/model-calls/claude-samples.ts';
import { aModelHold, describeProviderRecords } from '../../_helpers/contracts/provider-records.ts';
import { anInvocation } from '../../_helpers/invocation-records.ts';
import { awsError, type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

function novaPrice() {
  const price = lookup('bedrock', NOVA);
  if (price === undefined) throw new Error(`${NOVA} has no price`);
  return price;
}
const price = novaPrice();

function recordsOf(answer: (index: number, body: { readonly nextToken?: string }) => ScriptedAnswer) {
  const aws = scriptedAws(({ body }, index) => answer(index, JSON.parse(body)));
  const records = bedrockInvocationLogs({ client: new CloudWatchLogsClient(aws.settings), logGroup: '/bedrock/calls' });
  return { usageOf: (holdId: string) => records.usageOf(aModelHold(holdId, price), price), records, aws };
}
const page = (messages: readonly (Json | string)[], nextToken?: string): ScriptedAnswer => ({
  body: {
    events: messages.map((message) => ({
      message: typeof message === 'string' ? message : JSON.stringify(message),
      timestamp: 1,
    })),
    ...(nextToken === undefined ? {} : { nextToken }),
  },
});
const sent = (aws: ReturnType<typeof scriptedAws>) => aws.requests.map(({ body }) => JSON.parse(body));

describeProviderRecords('the log of model invocations of Bedrock', () => {
  const messages: Json[] = [];
  return {
    records: recordsOf(() => page(messages)).records,
    price,
    record: (holdId, how) =>
      void messages.push(anInvocation(holdId, how === 'unclear' ? { output: { outputTokenCount: 0 } } : {})),
  };
});

it('is searched for the id, from a minute before the hold to twenty after, in that group alone', async () => {
  const { usageOf, aws } = recordsOf(() => page([anInvocation('one')]));
  expect(await usageOf('one')).toMatchObject({ kind: 'used' });
  expect(aws.requests.map(({ operation }) => operation)).toEqual(['FilterLogEvents']);
  expect(sent(aws)).toEqual([
    {
      logGroupName: '/bedrock/calls',
      filterPattern: '"one"',
      startTime: Date.parse('2025-12-31T23:59:00.000Z'),
      endTime: Date.parse('2026-01-01T00:20:00.000Z'),
    },
  ]);
});

it('is read page by page, also where pages are empty', async () => {
  const { usageOf, aws } = recordsOf(
    (index) => [page([], 'a'), page([], 'b'), page([anInvocation('one')], 'c'), page([])][index] ?? page([]),
  );
  expect(await usageOf('one')).toMatchObject({ kind: 'used' });
  expect(sent(aws).map(({ nextToken }) => nextToken)).toEqual([undefined, 'a', 'b', 'c']);
});

it('is not read for ever', async () => {
  const { usageOf, aws } = recordsOf(() => page([], 'more'));
  expect(await usageOf('one')).toEqual({ kind: 'unclear', reason: 'the log of that time is longer than 50 pages' });
  expect(aws.requests).toHaveLength(50);
});

it('counts a record that comes twice once, and believes none of two invocations', async () => {
  const twice = recordsOf(() => page([anInvocation('one'), anInvocation('one')]));
  expect(await twice.usageOf('one')).toMatchObject({ kind: 'used' });
  const two = recordsOf(() => page([anInvocation('one'), anInvocation('one', { requestId: 'other' })]));
  expect(await two.usageOf('one')).toEqual({ kind: 'unclear', reason: '2 invocations carry the id of this call' });
});

it('takes the id from the metadata of the request alone, and passes over what is no record', async () => {
  const said = anInvocation('another', { input: { inputBodyJson: { text: 'wflo-call one' }, inputTokenCount: 1 } });
  const odd = ['one', '"one"', '[', { schemaType: 'Other', requestMetadata: { 'wflo-call': 'one' } }];
  const { usageOf } = recordsOf(() => page([said, anInvocation('one', { requestMetadata: null }), ...odd]));
  expect(await usageOf('one')).toBeUndefined();
});

it('fails where the group cannot be read', async () => {
  const { usageOf } = recordsOf(() => awsError('ResourceNotFoundException'));
  await expect(usageOf('one')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
