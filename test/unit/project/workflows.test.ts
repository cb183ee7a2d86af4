import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WfloError } from '../../../lib/errors.ts';
import { loadWorkflows, workflowFolders } from '../../../lib/project/workflows.ts';

let root: string;

/** Inside the repository, so that the files can import it. */
beforeEach(async () => {
  await mkdir(join(import.meta.dirname, '../../../build'), { recursive: true });
  root = await mkdtemp(join(import.meta.dirname, '../../../build/workflows-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const imports = `
import { z } from 'zod';
import { workflow } from '../../../../lib/index.ts';
const input = z.object({});`;

function definitionFile(name: string, step = `w.sandbox('agent', { image: 'python', command: ['run'] })`): string {
  return `${imports}\nexport default workflow('${name}', { input }, (w) => void ${step});\n`;
}

async function failure(): Promise<{ readonly error: WfloError; readonly findings: readonly string[] }> {
  const error = await loadWorkflows(root).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WfloError)) throw new Error('no WfloError was thrown', { cause: error });
  const { findings } = error.details as { readonly findings: readonly { code: string; path: string }[] };
  return { error, findings: findings.map(({ code, path }) => `${code} ${path}`) };
}

describe('loading workflows', () => {
  it('finds each folder with a workflow.ts, sorted by name', async () => {
    await put('state-machines/second/workflow.ts', definitionFile('second'));
    await put('state-machines/first/workflow.ts', definitionFile('first'));
    await put('state-machines/no-workflow/README.md', '');
    const loaded = await loadWorkflows(root);
    expect(loaded.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(loaded[0]).toMatchObject({ directory: join(root, 'state-machines/first'), compiled: { name: 'first' } });
  });

  it('finds none where there is no folder', async () => {
    expect(await loadWorkflows(root)).toEqual([]);
  });

  it('loads one alone, whatever is wrong with the others', async () => {
    await put('state-machines/broken/workflow.ts', `throw new Error('no such luck');`);
    await put('state-machines/fine/workflow.ts', definitionFile('fine'));
    expect((await loadWorkflows(root, 'fine')).map(({ name }) => name)).toEqual(['fine']);
    expect(await loadWorkflows(root, 'other')).toEqual([]);
    expect(await workflowFolders(root)).toEqual(['broken', 'fine']);
  });

  it('throws the findings of all workflows at once', async () => {
    await put(
      'state-machines/one/workflow.ts',
      definitionFile('one', `w.sandbox('A', { image: 'python', command: [] })`),
    );
    await put('state-machines/two/workflow.ts', definitionFile('three'));
    await put('state-machines/broken/workflow.ts', `throw new Error('no such luck');`);
    await put('state-machines/fine/workflow.ts', definitionFile('fine'));
    const { error, findings } = await failure();
    expect(error.code).toBe('invalid_definition');
    expect(findings).toEqual([
      'definition_not_loadable broken',
      'invalid_name one/A',
      'invalid_command one/A.command',
      'invalid_name three',
    ]);
    expect(error.message).toContain('one/A.command: the command is empty [invalid_command]');
  });

  it.each([
    ['does not parse', 'export default ('],
    ['imports what is not there', `import './nowhere.ts';`],
    ['throws', `throw new Error('no such luck');`],
    ['has no default export', 'export const a = 1;'],
    ['exports something else', `export default { definition: {}, findings: [] };`],
  ])('says which file %s, without a stack trace', async (_what, text) => {
    await put('state-machines/broken/workflow.ts', text);
    const { error, findings } = await failure();
    expect(error.code).toBe('definition_not_loadable');
    expect(findings).toEqual(['definition_not_loadable broken']);
    expect(error.message).toContain(join(root, 'state-machines/broken/workflow.ts'));
    expect(error.message).not.toMatch(/^\s+at /m);
  });

  it('looks for the code folders and function files of steps', async () => {
    const steps = `[
      w.sandbox('here', { image: 'python', command: ['run'], code: './agent' }),
      w.sandbox('gone', { image: 'python', command: ['run'], code: './nowhere' }),
      w.sandbox('file', { image: 'python', command: ['run'], code: './agent/run.py' }),
      w.lambda('present', { function: './f.ts', effects: 'none' }),
      w.lambda('absent', { function: './g.ts', effects: 'none' }),
      w.lambda('version', { function: 'arn:aws:lambda:eu-west-1:123456789012:function:f:1', effects: 'none' }),
    ]`;
    await put('state-machines/code/workflow.ts', definitionFile('code', steps));
    await put('state-machines/code/agent/run.py', '');
    await put('state-machines/code/f.ts', '');
    expect((await failure()).findings).toEqual([
      'code_not_found code/gone.code',
      'invalid_code code/file.code',
      'code_not_found code/absent.function',
    ]);
  });

  it('takes a TypeScript file as code, and no other file', async () => {
    const step = (code: string, command: string) =>
      `w.sandbox('agent', { image: 'node', code: '${code}', command: ['node', '${command}'] })`;
    await put('state-machines/fine/workflow.ts', definitionFile('fine', step('./agent/act.ts', 'act.mjs')));
    await put('state-machines/fine/agent/act.ts', '');
    expect((await loadWorkflows(root)).map(({ name }) => name)).toEqual(['fine']);
    await put('state-machines/gone/workflow.ts', definitionFile('gone', step('./agent/act.ts', 'act.mjs')));
    await put('state-machines/other/workflow.ts', definitionFile('other', step('./agent/act.py', 'act.py')));
    await put('state-machines/other/agent/act.py', '');
    await put('state-machines/unrun/workflow.ts', definitionFile('unrun', step('./agent/act.ts', 'act.ts')));
    await put('state-machines/unrun/agent/act.ts', '');
    expect((await failure()).findings).toEqual([
      'code_not_found gone/agent.code',
      'invalid_code other/agent.code',
      'invalid_command unrun/agent.command',
    ]);
  });
});
