import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskTokenReader, TaskTokenWriter } from '../../../lib/ports.ts';

const FIRST = new Date('2026-01-01T00:00:00.000Z');
const SECOND = new Date('2026-01-01T00:00:01.000Z');

export interface TaskTokensUnderTest {
  readonly writer: TaskTokenWriter;
  readonly reader: TaskTokenReader;
  close?(): Promise<void>;
}

export function describeTaskTokensContract(
  name: string,
  makeTokens: () => TaskTokensUnderTest | Promise<TaskTokensUnderTest>,
): void {
  describe(`task tokens: ${name}`, () => {
    let under: TaskTokensUnderTest;
    beforeAll(async () => {
      under = await makeTokens();
    });
    afterAll(() => under.close?.());

    it('are read as they were put, by approval', async () => {
      const [one, two] = ['report:read:write:1', 'report:read:crew.write:1'];
      expect(await under.reader.get(one)).toBeUndefined();
      await under.writer.put(one, 'AQCE/+=one', FIRST);
      await under.writer.put(two, 'x'.repeat(2048), FIRST);
      expect(await under.reader.get(one)).toBe('AQCE/+=one');
      expect(await under.reader.get(two)).toBe('x'.repeat(2048));
    });

    it('are replaced by the last one, and the same again does no harm', async () => {
      const id = 'report:last:write:1';
      for (const token of ['one', 'two', 'two']) await under.writer.put(id, token, FIRST);
      await under.writer.put(id, 'three', SECOND);
      expect(await under.reader.get(id)).toBe('three');
    });

    it('are not replaced by one that was asked with before, and comes late', async () => {
      const id = 'report:late:write:1';
      await under.writer.put(id, 'two', SECOND);
      await under.writer.put(id, 'one', FIRST);
      expect(await under.reader.get(id)).toBe('two');
    });

    it('are removed, also twice, and may come again', async () => {
      const id = 'report:removed:write:1';
      await under.writer.put(id, 'one', SECOND);
      await under.reader.remove(id);
      await under.reader.remove(id);
      expect(await under.reader.get(id)).toBeUndefined();
      await under.writer.put(id, 'two', FIRST);
      expect(await under.reader.get(id)).toBe('two');
    });

    it('are of approvals only', async () => {
      for (const id of ['report:one', 'report:one:write:0', '']) {
        await expect(under.writer.put(id, 'one', FIRST)).rejects.toMatchObject({ code: 'unknown_approval' });
        await expect(under.reader.get(id)).rejects.toMatchObject({ code: 'unknown_approval' });
      }
    });
  });
}
