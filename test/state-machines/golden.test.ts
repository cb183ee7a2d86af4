import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { loadWorkflows } from '../../lib/project/workflows.ts';

const root = join(import.meta.dirname, '../..');
const workflows = await loadWorkflows(root);

it('finds the workflows of this repository', () => {
  expect(workflows.map(({ name }) => name)).toEqual(expect.arrayContaining(['data-processor', 'hello']));
});

describe.each(workflows)('the workflow $name', ({ directory, compiled }) => {
  const golden = join(directory, 'workflow.asl.json');

  it('compiles to its golden file', async () => {
    if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, compiled.aslText);
    expect(compiled.aslText).toBe(await readFile(golden, 'utf8'));
  });

  it('compiles to what Step Functions accepts', () => {
    // Parsed anew, because the validator writes into what it gets.
    const validation = aslValidator(JSON.parse(compiled.aslText));
    expect(validation.errorsText('\n')).toBe('');
    expect(validation.isValid).toBe(true);
  });
});
