import { z } from 'zod';
import { minutes, usd, workflow } from '../../lib/index.ts';

/** What the agent may be asked to use. */
const MODELS = ['gpt-4o-mini', 'gpt-5-mini', 'gpt-5.4-mini'] as const;

export default workflow(
  'research-agent',
  {
    input: z.object({
      question: z.string().min(1).max(2000),
      model: z.enum(MODELS).default('gpt-4o-mini'),
      maxTurns: z.number().int().min(1).max(30).default(12),
      /** Of one answer of the model. */
      maxOutputTokens: z.number().int().min(64).max(8000).default(800),
    }),
    // A question takes about a cent. What is over: an answer that wanders about ends here, and says what it has read.
    budget: { execution: usd(0.25), alertsAt: [0.5, 0.9], onExceeded: 'deny' },
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
      models: MODELS,
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
