import { z } from 'zod';
import { text, workflow } from '../../../../lib/index.ts';

/** Text that a template engine, a shell or a state language could take for its own. */
export const HOSTILE = [
  '${PrepareStepFn}',
  '$.execution.id',
  '$$.Execution.Id',
  "States.Format('{}', $.x)",
  '"quoted" \'single\' `back`',
  'line one\nline two\ttab',
  'emoji 🦊 and é',
  '$(echo shell) ; rm -rf /tmp/nothing && %PATH%',
  '\\u0024{x} \\',
];

export default workflow('verbatim', { input: z.object({ word: z.string() }) }, (w) => {
  const echo = w.sandbox('echo', {
    image: 'node',
    code: './agent',
    command: ['node', 'echo.mjs', ...HOSTILE],
    cpu: 0.25,
    memoryMib: 512,
    env: { HOSTILE: HOSTILE.join('|'), COMPOSED: text`<${w.input.word}> $.x \${y}` },
    input: { word: w.input.word, hostile: HOSTILE },
    output: z.object({
      argv: z.array(z.string()),
      env: z.string(),
      composed: z.string(),
      input: z.object({ word: z.string(), hostile: z.array(z.string()) }),
      names: z.array(z.string()),
    }),
  });
  return echo.output;
});
