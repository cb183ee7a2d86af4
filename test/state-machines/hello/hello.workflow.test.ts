import { describe, expect, it } from 'vitest';
import { fails, testWorkflow } from '../../../lib/testing/index.ts';
import workflow from '../../../state-machines/hello/workflow.ts';

describe('hello', () => {
  it('greets whom the input names', async () => {
    const run = await testWorkflow(workflow, {
      input: { name: 'Ada' },
      steps: { greet: { output: { message: 'Hello, Ada!' } } },
    });
    expect(run.status).toBe('succeeded');
    expect(run.output).toEqual({ message: 'Hello, Ada!' });
    expect(run.step('greet').attempts).toMatchObject([
      { attempt: 1, status: 'succeeded', command: ['python3', 'hello.py'], input: { name: 'Ada' } },
    ]);
  });

  it('greets the world where nobody is named', async () => {
    const run = await testWorkflow(workflow, {
      steps: { greet: ({ input }) => ({ output: { message: JSON.stringify(input) } }) },
    });
    expect(run.output).toEqual({ message: '{"name":"World"}' });
  });

  it('refuses an empty name before anything begins', async () => {
    const run = await testWorkflow(workflow, { input: { name: '' } });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'invalid_input' }, began: [] });
  });

  it('tries again when the agent fails, and gives up after the third time', async () => {
    const run = await testWorkflow(workflow, { steps: { greet: fails('agent_failed', 'no python') } });
    expect(run).toMatchObject({
      status: 'failed',
      error: { code: 'agent_failed', message: 'no python', stepPath: 'greet' },
    });
    expect(run.step('greet').attempts.map(({ status }) => status)).toEqual(['retried', 'retried', 'failed']);
  });

  it('fails when the agent writes something else than a message', async () => {
    const run = await testWorkflow(workflow, { steps: { greet: { output: { text: 'Hello' } } } });
    expect(run.error).toMatchObject({ code: 'invalid_output', stepPath: 'greet' });
  });
});
