import { z } from 'zod';
import { minutes, workflow } from '../../lib/index.ts';

export default workflow(
  'research-agent',
  {
    input: z.object({
      question: z.string().min(1).max(2000),
      model: z.string().default('gpt-4o-mini'),
      maxTurns: z.number().int().min(1).max(30).default(12),
      /** Of one answer of the model. */
      maxOutputTokens: z.number().int().min(64).max(8000).default(800),
    }),
    timeout: minutes(30),
  },
  (w) => {
    const { question, model, maxTurns, maxOutputTokens } = w.input;
    const researched = w.sandbox('research', {
      image: 'python',
      code: './agent',
      command: ['python3', 'research.py'],
      // Put there from requirements.txt before a deployment.
      env: { PYTHONPATH: 'vendor' },
      cpu: 0.5,
      memoryMib: 1024,
      timeout: minutes(15),
      agent: 'researcher',
      input: { question, model, maxTurns, maxOutputTokens },
      output: z.object({
        outcome: z.enum(['answered', 'out_of_budget', 'out_of_turns']),
        answer: z.string(),
        citations: z.array(z.object({ id: z.string(), title: z.string() })),
        /** Ids of the documents that it has read, in order. */
        read: z.array(z.string()),
        toolCalls: z.array(z.string()),
        turns: z.number().int().nonnegative(),
        /** Why the last call was refused, with `out_of_budget`. */
        refusal: z.string().optional(),
      }),
    });
    return researched.output;
  },
);
