import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepLogs } from '../../../lib/ports.ts';
import type { LogLine } from '../../../lib/sandbox/protocol.ts';

export interface StepLogsUnderTest {
  readonly logs: StepLogs;
  close?(): Promise<void>;
}

export function describeStepLogsContract(
  name: string,
  makeLogs: () => StepLogsUnderTest | Promise<StepLogsUnderTest>,
): void {
  describe(`step logs: ${name}`, () => {
    let under: StepLogsUnderTest;
    let logs: StepLogs;
    const start = Date.now() - 60_000;

    beforeAll(async () => {
      under = await makeLogs();
      logs = under.logs;
    });
    afterAll(() => under.close?.());

    const newId = () => `report:${randomBytes(6).toString('hex')}`;
    const line = (milliseconds: number, text: string, stream: LogLine['stream'] = 'stdout'): LogLine => ({
      at: new Date(start + milliseconds).toISOString(),
      stream,
      text,
    });

    /** Texts of the pages until one is empty, and the last cursor. */
    async function readAll(executionId: string, query: { stepPath?: string; cursor?: string; limit: number }) {
      const pages: string[][] = [];
      let cursor = query.cursor;
      for (;;) {
        const page = await logs.read(executionId, { ...query, ...(cursor === undefined ? {} : { cursor }) });
        cursor = page.cursor;
        if (page.items.length === 0) return { pages, cursor: cursor ?? '' };
        pages.push(page.items.map((item) => item.text));
      }
    }

    it('gives lines back with their ids', async () => {
      const executionId = newId();
      await logs.write(executionId, 'write', 2, [line(0, 'a "quoted" ä', 'stderr')]);
      const { items } = await logs.read(executionId, { limit: 10 });
      expect(items).toEqual([{ ...line(0, 'a "quoted" ä', 'stderr'), executionId, stepPath: 'write', attempt: 2 }]);
    });

    it('has nothing, but a cursor, before the first line', async () => {
      const executionId = newId();
      const { items, cursor } = await logs.read(executionId, { limit: 10 });
      expect(items).toEqual([]);
      await logs.write(executionId, 'write', 1, [line(0, 'first')]);
      expect((await readAll(executionId, { limit: 10, ...(cursor === undefined ? {} : { cursor }) })).pages).toEqual([
        ['first'],
      ]);
    });

    it('orders by time over steps and attempts, in pages', async () => {
      const executionId = newId();
      await logs.write(executionId, 'write', 1, [line(0, 'a'), line(20, 'c'), line(40, 'e')]);
      await logs.write(executionId, 'check', 1, [line(10, 'b'), line(30, 'd')]);
      expect((await readAll(executionId, { limit: 2 })).pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    });

    it('gives each of many lines of one millisecond once', async () => {
      const executionId = newId();
      const texts = Array.from({ length: 25 }, (_, index) => `line ${index}`);
      await logs.write(
        executionId,
        'write',
        1,
        texts.map((text) => line(0, text)),
      );
      const { pages } = await readAll(executionId, { limit: 4 });
      expect(pages.flat().sort()).toEqual(texts.sort());
    });

    it('keeps to one step, also where another has a longer path', async () => {
      const executionId = newId();
      await logs.write(executionId, 'crew', 1, [line(0, 'crew')]);
      await logs.write(executionId, 'crew/write', 1, [line(1, 'crew/write')]);
      await logs.write(executionId, 'crew-2', 1, [line(2, 'crew-2')]);
      expect((await readAll(executionId, { stepPath: 'crew', limit: 10 })).pages).toEqual([['crew']]);
      expect((await readAll(executionId, { stepPath: 'crew/write', limit: 10 })).pages).toEqual([['crew/write']]);
    });

    it('keeps executions apart, also where one name begins with another', async () => {
      const executionId = newId();
      await logs.write(executionId, 'write', 1, [line(0, 'mine')]);
      await logs.write(`${executionId}-2`, 'write', 1, [line(0, 'other')]);
      expect((await readAll(executionId, { limit: 10 })).pages).toEqual([['mine']]);
    });

    it('continues past the end without a line twice or lost, also late lines of another step', async () => {
      const executionId = newId();
      await logs.write(executionId, 'write', 1, [line(0, 'a'), line(1000, 'b')]);
      const { cursor } = await readAll(executionId, { limit: 10 });
      await logs.write(executionId, 'write', 1, [line(1000, 'same time'), line(2000, 'c')]);
      await logs.write(executionId, 'check', 1, [line(500, 'late')]);
      const next = await readAll(executionId, { cursor, limit: 10 });
      expect(next.pages.flat()).toEqual(['late', 'same time', 'c']);
      expect((await readAll(executionId, { cursor: next.cursor, limit: 10 })).pages).toEqual([]);
    });

    it.each(['nonsense', '', Buffer.from('{"from":"x"}').toString('base64url')])(
      'refuses the cursor "%s"',
      async (cursor) => {
        await expect(logs.read(newId(), { cursor, limit: 10 })).rejects.toMatchObject({ code: 'invalid_request' });
      },
    );
  });
}
