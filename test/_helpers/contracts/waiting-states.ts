import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WaitingStates } from '../../../lib/ports.ts';

export interface WaitingStatesUnderTest {
  readonly states: WaitingStates;
  /** The token of a state that begins to wait. */
  wait(): Promise<string>;
  /** What the state with this token was told, once it was. */
  toldTo(token: string): Promise<unknown>;
  close?(): Promise<void>;
}

export function describeWaitingStatesContract(
  name: string,
  makeStates: () => WaitingStatesUnderTest | Promise<WaitingStatesUnderTest>,
): void {
  describe(`waiting states: ${name}`, () => {
    let under: WaitingStatesUnderTest;
    beforeAll(async () => {
      under = await makeStates();
    });
    afterAll(() => under.close?.());

    it('are resumed once, each by its own token', async () => {
      const [one, two] = [await under.wait(), await under.wait()];
      expect(await under.states.resume(one, { decision: 'granted' })).toBe('resumed');
      expect(await under.toldTo(one)).toEqual({ decision: 'granted' });
      expect(await under.states.resume(one, { decision: 'refused' })).toBe('gone');
      expect(await under.toldTo(one)).toEqual({ decision: 'granted' });
      expect(await under.states.resume(two, { decision: 'refused' })).toBe('resumed');
      expect(await under.toldTo(two)).toEqual({ decision: 'refused' });
    });

    it('are gone where nobody has had such a token', async () => {
      expect(await under.states.resume('AAAA-never', { decision: 'granted' })).toBe('gone');
    });
  });
}
