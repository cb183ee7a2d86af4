import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudWatchStepLogs } from '../../../lib/aws/cloudwatch-step-logs.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { awsError, scriptedAws } from '../../_helpers/scripted-aws.ts';

interface StoredEvent {
  readonly logStreamName: string;
  readonly timestamp: number;
  readonly eventId: string;
  readonly message: string;
}

const executionId = 'report:one';
const start = Date.parse('2026-01-01T00:00:00.000Z');

function stored(index: number, path: string, milliseconds: number): StoredEvent {
  const line = { at: new Date(start + milliseconds).toISOString(), stream: 'stdout', text: `${index}` };
  return {
    logStreamName: `report/one/${path}/1`,
    timestamp: start + milliseconds,
    eventId: String(index).padStart(56, '3'),
    message: JSON.stringify({ ...line, executionId, stepPath: path, attempt: 1 }),
  };
}

/**
 * FilterLogEvents as AWS answers it: in time order, by tokens that name the place in the search, with pages that hold less
 * than was asked for, or nothing, before the end.
 */
function cloudWatch(events: StoredEvent[], options: { readonly empty?: boolean; readonly shortBy?: number } = {}) {
  let calls = 0;
  const expired = new Set<string>();
  const aws = scriptedAws(({ operation, body }) => {
    if (operation !== 'FilterLogEvents') return {};
    calls += 1;
    const { startTime, limit, nextToken, logStreamNamePrefix } = JSON.parse(body);
    if (expired.has(nextToken)) return awsError('InvalidParameterException');
    const found = events
      .filter((event) => event.logStreamName.startsWith(logStreamNamePrefix) && event.timestamp >= startTime)
      .sort((a, b) => a.timestamp - b.timestamp);
    const from = nextToken === undefined ? 0 : Number(nextToken.split(':')[1]);
    if (options.empty === true && calls % 2 === 1) return { body: { events: [], nextToken: `t:${from}` } };
    const page = found.slice(from, from + Math.max(1, limit - (options.shortBy ?? 0)));
    const next = from + page.length;
    return { body: { events: page, ...(next < found.length ? { nextToken: `t:${next}` } : {}) } };
  });
  const logs = cloudWatchStepLogs({
    client: new CloudWatchLogsClient(aws.settings),
    logGroup: '/wflo/dev/sandbox',
    clock: new FakeClock(),
  });
  return { logs, requests: aws.requests, expire: (token: string) => expired.add(token) };
}

type Logs = ReturnType<typeof cloudWatch>['logs'];

async function readAll(logs: Logs, limit: number, from?: string) {
  const texts: string[] = [];
  let cursor = from;
  for (;;) {
    const page = await logs.read(executionId, { limit, ...(cursor === undefined ? {} : { cursor }) });
    cursor = page.cursor;
    if (page.items.length === 0) return { texts, cursor: cursor ?? '' };
    expect(page.items.length).toBeLessThanOrEqual(limit);
    texts.push(...page.items.map((item) => item.text));
  }
}

describe('reading step logs', () => {
  it('gives every line once and in order, however the pages fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('write', 'check'), fc.integer({ min: 0, max: 20 })), { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 3 }),
        async (places, limit, empty, shortBy) => {
          const events = places.map(([path, milliseconds], index) => stored(index, path, milliseconds));
          const { logs } = cloudWatch(events, { empty, shortBy });
          const { texts } = await readAll(logs, limit);
          const times = texts.map((text) => events[Number(text)]?.timestamp ?? 0);
          expect([...texts].sort()).toEqual(events.map((_, index) => String(index)).sort());
          expect(times).toEqual([...times].sort((a, b) => a - b));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('goes on after the end with what is new, also what came late from another step', async () => {
    const events = [stored(0, 'write', 0), stored(1, 'write', 60_000)];
    const { logs } = cloudWatch(events);
    const first = await readAll(logs, 5);
    expect(first.texts).toEqual(['0', '1']);
    events.push(stored(2, 'check', 30_000), stored(3, 'write', 60_000), stored(4, 'write', 70_000));
    expect((await readAll(logs, 5, first.cursor)).texts).toEqual(['2', '3', '4']);
  });

  it('starts anew where a token has expired, and repeats nothing', async () => {
    const events = Array.from({ length: 6 }, (_, index) => stored(index, 'write', index));
    const { logs, expire } = cloudWatch(events);
    const first = await logs.read(executionId, { limit: 2 });
    expire('t:2');
    const { texts } = await readAll(logs, 10, first.cursor);
    expect(texts).toEqual(['2', '3', '4', '5']);
  });

  it('gives long lines in pages that fit the answer of a function (6 MB, its text escaped)', async () => {
    const long = (index: number) => {
      const event = stored(index, 'write', index);
      return { ...event, message: JSON.stringify({ ...JSON.parse(event.message), text: '"'.repeat(64 * 1024) }) };
    };
    // Ten lines a request: CloudWatch gives at most 1 MB.
    const { logs } = cloudWatch(
      Array.from({ length: 100 }, (_, index) => long(index)),
      { shortBy: 990 },
    );
    const sizes: number[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await logs.read(executionId, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
      if (page.items.length === 0) break;
      sizes.push(page.items.length);
      expect(Buffer.byteLength(JSON.stringify(JSON.stringify(page.items)))).toBeLessThan(6_000_000);
      cursor = page.cursor;
    }
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100);
  });

  it('leaves out what others wrote into the streams', async () => {
    const foreign = { ...stored(1, 'write', 1), message: 'plain text of a log driver' };
    const { logs } = cloudWatch([stored(0, 'write', 0), foreign]);
    expect((await readAll(logs, 10)).texts).toEqual(['0']);
  });
});

describe('writing step logs', () => {
  const line = { at: '2026-01-01T00:00:00.000Z', stream: 'stdout' as const, text: 'a' };

  function logsThatAnswer(...answers: ReturnType<typeof awsError>[]) {
    const aws = scriptedAws((_request, index) => answers[index] ?? {});
    const client = new CloudWatchLogsClient(aws.settings);
    const logs = cloudWatchStepLogs({ client, logGroup: '/wflo/dev/sandbox', clock: new FakeClock() });
    return { logs, operations: () => aws.requests.map((request) => request.operation), requests: aws.requests };
  }

  it('makes the stream of an attempt when it is first written to', async () => {
    const { logs, operations, requests } = logsThatAnswer(awsError('ResourceNotFoundException'));
    await logs.write(executionId, 'write', 2, [line]);
    expect(operations()).toEqual(['PutLogEvents', 'CreateLogStream', 'PutLogEvents']);
    expect(JSON.parse(requests[1]?.body ?? '')).toEqual({
      logGroupName: '/wflo/dev/sandbox',
      logStreamName: 'report/one/write/2',
    });
  });

  it('takes it that somebody else made the stream at that moment', async () => {
    const { logs, operations } = logsThatAnswer(
      awsError('ResourceNotFoundException'),
      awsError('ResourceAlreadyExistsException'),
    );
    await logs.write(executionId, 'write', 2, [line]);
    expect(operations()).toEqual(['PutLogEvents', 'CreateLogStream', 'PutLogEvents']);
  });

  it('throws when the log group is not there', async () => {
    const { logs } = logsThatAnswer(awsError('ResourceNotFoundException'), awsError('ResourceNotFoundException'));
    await expect(logs.write(executionId, 'write', 2, [line])).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('calls nobody for no lines', async () => {
    const { logs, operations } = logsThatAnswer();
    await logs.write(executionId, 'write', 2, []);
    expect(operations()).toEqual([]);
  });
});
