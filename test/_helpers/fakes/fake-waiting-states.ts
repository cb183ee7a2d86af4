import type { Json } from '../../../lib/json.ts';
import type { WaitingStates } from '../../../lib/ports.ts';

/** A state waits for each token of `waiting`, once. */
export class FakeWaitingStates implements WaitingStates {
  readonly waiting: Set<string>;
  readonly resumed: { readonly token: string; readonly output: Json }[] = [];

  constructor(tokens: Iterable<string> = []) {
    this.waiting = new Set(tokens);
  }

  async resume(token: string, output: Json): Promise<'resumed' | 'gone'> {
    if (!this.waiting.delete(token)) return 'gone';
    this.resumed.push({ token, output: structuredClone(output) });
    return 'resumed';
  }
}
