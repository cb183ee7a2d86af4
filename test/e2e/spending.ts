import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { OnExceeded } from '../../lib/execution/records.ts';
import { minutes, usd, workflow } from '../../lib/index.ts';
import type { SandboxOptions } from '../../lib/workflow/step-options.ts';

/** What `spend.py` is told. */
export const SPEND = z.object({
  calls: z.number().int(),
  parallel: z.boolean(),
  content: z.string(),
  maxTokens: z.number().int(),
});

export const SPENT = z.object({ results: z.array(z.record(z.string(), z.unknown())) });

/** A sandbox that calls the scripted model and takes every refusal as an answer. */
export const SPENDER = {
  image: 'python',
  // A folder of code belongs to one workflow; this program is short.
  command: ['python', '-c', readFileSync(new URL('spend.py', import.meta.url), 'utf8')],
  cpu: 0.25,
  memoryMib: 512,
  timeout: minutes(3),
  models: ['scripted-*'],
  output: SPENT,
  retry: { maxRetries: 0 },
} as const satisfies Partial<SandboxOptions>;

/** One spender with a budget of five dollars, that an execution can lower. */
export function spending(name: string, onExceeded: OnExceeded) {
  const budget = { execution: usd(5), alertsAt: [0.5, 0.75, 0.9], onExceeded };
  return workflow(name, { input: SPEND, timeout: minutes(10), budget }, (w) => {
    const { calls, parallel, content, maxTokens } = w.input;
    return w.sandbox('spend', { ...SPENDER, agent: 'spender', input: { calls, parallel, content, maxTokens } }).output;
  });
}
