import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runAgent } from '../../_helpers/run-agent.ts';

const folder = join(import.meta.dirname, '../../../state-machines/hello/agent');

it.each(['Alice', 'Zoë "的" $.name'])('greets %s in its output and in its log', async (name) => {
  const { output, stdout } = await runAgent(folder, ['python3', 'hello.py'], { name });
  expect(output).toEqual({ message: `Hello, ${name}!` });
  expect(stdout).toBe(`Hello, ${name}!\n`);
});
