import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freezePayload, PAYLOAD_LIMIT_BYTES, payloadRefs } from '../../../lib/execution/freeze-payload.ts';
import type { LambdaStepConfig, SandboxStepConfig } from '../../../lib/execution/machine.ts';
import { payloadHash } from '../../../lib/execution/payload.ts';
import type { Template } from '../../../lib/workflow/template.ts';
import { anExecution } from '../../_helpers/fakes/records.ts';

const table: Template = { ref: { source: { from: 'input' }, path: ['table'] } };
const ids: Template = { ref: { source: { from: 'step', step: 'plan' }, path: ['ids'] } };
const acting = {
  path: 'write',
  effects: 'none',
  idempotent: false,
  retry: { maxRetries: 0, initialDelaySeconds: 1, maxDelaySeconds: 1 },
  timeoutSeconds: 60,
  refs: [],
} as const;
const sandbox: SandboxStepConfig = {
  ...acting,
  kind: 'sandbox',
  image: 'python',
  command: [{ literal: 'python' }, { literal: 'write.py' }],
  env: { TABLE: table },
  input: { object: { ids } },
  cpu: 0.25,
  memoryMib: 512,
};
const lambda: LambdaStepConfig = { ...acting, kind: 'lambda', with: { object: { ids } } };
const task = { taskDefinition: 'arn:td:1', codeSha256: 'c'.repeat(64) };
const execution = anExecution();
const values = (tableName: string) => ({ input: { table: tableName }, steps: new Map([['plan', { ids: [1] }]]) });

describe('freezePayload', () => {
  it('holds everything that decides what a sandbox will run', () => {
    expect(freezePayload(execution, sandbox, task, values('orders'))).toEqual({
      schema: 1,
      kind: 'sandbox',
      executionId: 'report:one',
      workflow: 'report',
      definitionHash: execution.definitionHash,
      path: 'write',
      timeoutSeconds: 60,
      image: 'python',
      ...task,
      command: ['python', 'write.py'],
      env: { TABLE: 'orders' },
      input: { ids: [1] },
    });
  });

  it('holds the models that may be called and how fast: what was approved is what runs', () => {
    const allowed = { ...sandbox, models: ['claude-*'], rate: { concurrent: 2 } };
    const frozen = freezePayload(execution, allowed, task, values('x'));
    expect(frozen).toMatchObject({ models: ['claude-*'], rate: { concurrent: 2 } });
    const hashes = [allowed, { ...allowed, models: ['*'] }, { ...allowed, rate: { concurrent: 3 } }, sandbox].map(
      (step) => payloadHash(freezePayload(execution, step, task, values('x'))),
    );
    expect(new Set(hashes).size).toBe(4);
  });

  it('holds the workspace that the step begins with, and that it keeps one', () => {
    const workspace = { key: 'workspaces/report/one/a.tar.gz', sha256: 'a'.repeat(64), bytes: 3 };
    const step = { ...sandbox, keepWorkspace: true, workspaceFrom: 'plan' } as const;
    const carrying = freezePayload(execution, step, task, values('x'), workspace);
    expect(carrying).toMatchObject({ workspace, keepWorkspace: true });
    const other = freezePayload(execution, step, task, values('x'), { ...workspace, sha256: 'b'.repeat(64) });
    expect(payloadHash(other)).not.toBe(payloadHash(carrying));
    const plain = freezePayload(execution, sandbox, task, values('x'));
    expect(plain).not.toHaveProperty('workspace');
    expect(plain).not.toHaveProperty('keepWorkspace');
  });

  it('holds the function version and the input of a lambda step', () => {
    expect(freezePayload(execution, lambda, { functionArn: 'arn:fn:3' }, values('x'))).toMatchObject({
      kind: 'lambda',
      functionArn: 'arn:fn:3',
      with: { ids: [1] },
    });
  });

  it('has another hash for any other value, and the same for the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const hash = (name: string) =>
          payloadHash(freezePayload(execution, sandbox, task, values(name.replaceAll('\0', ''))));
        expect(hash(one) === hash(other)).toBe(one.replaceAll('\0', '') === other.replaceAll('\0', ''));
      }),
    );
  });

  it('refuses a NUL, which would end an argument or a variable early', () => {
    expect(() => freezePayload(execution, sandbox, task, values('a\0b'))).toThrowError(
      expect.objectContaining({ code: 'invalid_env', message: expect.stringContaining('TABLE') }),
    );
    const step = { ...sandbox, env: {}, command: [{ literal: 'sh' }, table] };
    expect(() => freezePayload(execution, step, task, values('a\0b'))).toThrowError(
      expect.objectContaining({ code: 'invalid_command', message: expect.stringContaining('argument 1') }),
    );
  });

  it('refuses more than fits a request to a function', () => {
    const large = { input: {}, steps: new Map([['plan', { ids: 'x'.repeat(PAYLOAD_LIMIT_BYTES) }]]) };
    expect(() => freezePayload(execution, lambda, { functionArn: 'arn:fn:3' }, large)).toThrowError(
      expect.objectContaining({ code: 'payload_too_large' }),
    );
  });

  it('knows its references', () => {
    expect(payloadRefs(sandbox).map(({ path }) => path)).toEqual([['ids'], ['table']]);
    expect(payloadRefs(lambda).map(({ path }) => path)).toEqual([['ids']]);
  });
});
