import { beforeEach, describe, expect, it } from 'vitest';
import { fenceLease } from '../../../lib/execution/close-attempt.ts';
import { recordSignedOutcome } from '../../../lib/execution/record-signed-outcome.ts';
import type { LeaseRecord } from '../../../lib/execution/records.ts';
import { sha256 } from '../../../lib/json.ts';
import { completionHash } from '../../../lib/sandbox/completion-hash.ts';
import { OUTCOME_LIMIT_BYTES } from '../../../lib/sandbox/protocol.ts';
import { outcomeSigner } from '../../../lib/sandbox/sign-outcome.ts';
import { outcomeKey, outputUploadKey, workspaceKey } from '../../../lib/sandbox/upload-key.ts';
import { aLease } from '../../_helpers/fakes/records.ts';
import {
  claimed,
  codeOf,
  completeBody,
  EXECUTION_ID,
  type Scene,
  STEP,
  sandboxScene,
} from '../../_helpers/sandbox-scene.ts';
import { aCompletion, outcomeText } from '../../_helpers/signed-outcome.ts';

let scene: Scene;
let token: string;
let refused: string[];
beforeEach(async () => {
  scene = await sandboxScene();
  token = (await claimed(scene)).sessionToken;
  refused = [];
});

const address = { executionId: EXECUTION_ID, path: STEP, attempt: 1 };

async function leave(text: string): Promise<void> {
  scene.blobs.uploads.set(outcomeKey(address, (await scene.lease()).leaseId), text);
}

async function look(lease?: LeaseRecord): Promise<'recorded' | 'changed' | 'none'> {
  const signals = { outcomeRefused: (_lease: unknown, why: string) => refused.push(why) };
  const found = { execution: await scene.execution(), lease: lease ?? (await scene.lease()) };
  return recordSignedOutcome({ ...scene.ports, executions: scene.ports.store, signals }, found);
}

/** Nothing was recorded, and the runner may still act. */
async function expectUntouched(): Promise<void> {
  expect(await scene.attempt()).toMatchObject({ status: 'running' });
  expect(await scene.attempt()).not.toHaveProperty('exit');
  expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
  expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started']);
}

describe('an outcome that was left signed', () => {
  it('is recorded as the completion would have been', async () => {
    const completion = aCompletion({ output: { text: '{ "b": 1, "a": "é" }' } });
    await leave(outcomeText(await scene.lease(), completion));
    expect(await look()).toBe('recorded');
    const { output, ...attempt } = await scene.attempt();
    expect(attempt).toMatchObject({ status: 'exited', exit: completion.exit, usage: completion.usage });
    expect(output && (await scene.blobs.get(EXECUTION_ID, output))).toEqual({ a: 'é', b: 1 });
    const lease = await scene.lease();
    expect(lease).toMatchObject({ status: 'completed', epoch: 1, completionHash: completionHash(completion) });
    expect(lease).not.toHaveProperty('checkAt');
    expect(scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.exited']);
    expect(refused).toEqual([]);
  });

  it('makes the completion of its runner, which comes after all, a repeat', async () => {
    await leave(outcomeText(await scene.lease()));
    await look();
    expect(await scene.call('complete', completeBody(), token)).toMatchObject({ status: 200 });
    const other = completeBody({ exit: { reason: 'agent_failed', code: 1 } });
    expect(codeOf(await scene.call('complete', other, token))).toBe('late_result');
    expect(scene.eventTypes().filter((type) => type === 'sandbox.exited')).toHaveLength(1);
  });

  it('counts with the output and the workspace that were uploaded for it', async () => {
    const [text, archive] = [JSON.stringify('y'.repeat(50_000)), 'archive'];
    const output = { key: outputUploadKey(address, sha256(text)), sha256: sha256(text), bytes: text.length };
    const workspace = {
      key: workspaceKey(EXECUTION_ID, sha256(archive)),
      sha256: sha256(archive),
      bytes: archive.length,
    };
    scene.blobs.uploads.set(output.key, text).set(workspace.key, archive);
    await leave(outcomeText(await scene.lease(), { output, workspace }));
    expect(await look()).toBe('recorded');
    expect(await scene.attempt()).toMatchObject({ exit: { reason: 'ok' }, workspace, output: { at: 's3' } });
  });

  it('fits the limit with the largest inline output, however it is escaped', async () => {
    await leave(outcomeText(await scene.lease(), { output: { text: '\u0001'.repeat(32 * 1024) } }));
    expect(await look()).toBe('recorded');
    expect(await scene.attempt()).toMatchObject({ error: { code: 'invalid_output' } });
  });

  it('has changed when the lease was fenced since it was read', async () => {
    await leave(outcomeText(await scene.lease()));
    const read = await scene.lease();
    await scene.store.commit({ executionId: EXECUTION_ID, changes: [fenceLease(read)], events: [] });
    expect(await look(read)).toBe('changed');
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
    expect(scene.eventTypes()).not.toContain('sandbox.exited');
  });

  it('has changed when the completion itself came first', async () => {
    await leave(outcomeText(await scene.lease()));
    const read = await scene.lease();
    await scene.call('complete', completeBody(), token);
    expect(await look(read)).toBe('changed');
    expect(scene.eventTypes().filter((type) => type === 'sandbox.exited')).toHaveLength(1);
  });
});

describe('nothing is looked for', () => {
  it.each<[string, Partial<LeaseRecord>]>([
    ['before the claim', { status: 'offered' }],
    ['after the lease was fenced', { status: 'fenced' }],
    ['after the completion', { status: 'completed' }],
    ['for a function call', { status: 'claimed', kind: 'lambda' }],
  ])('%s', async (_what, fields) => {
    const lease = { ...(await scene.lease()), ...fields };
    await leave(outcomeText(lease));
    scene.blobs.readSmall = () => expect.fail('it was read');
    expect(await look(lease)).toBe('none');
    expect(refused).toEqual([]);
    await expectUntouched();
  });

  it('for a claim that came without a key', async () => {
    const lease = aLease({ status: 'claimed' });
    await leave(outcomeText(lease));
    expect(await look(lease)).toBe('none');
    expect(refused).toEqual([]);
    await expectUntouched();
  });
});

describe('an outcome that does not count', () => {
  it('is one that is not there, which nobody is told', async () => {
    expect(await look()).toBe('none');
    expect(refused).toEqual([]);
    await expectUntouched();
  });

  it('is that of another lease of the same attempt', async () => {
    const lease = await scene.lease();
    scene.blobs.uploads.set(outcomeKey(address, '01LEASE0000000000000000002'), outcomeText(lease));
    expect(await look()).toBe('none');
    await expectUntouched();
  });

  it('is one that somebody else signed', async () => {
    await leave(outcomeText(await scene.lease(), {}, { signer: outcomeSigner() }));
    expect(await look()).toBe('none');
    expect(refused).toEqual(['the runner that claimed did not sign it']);
    await expectUntouched();
  });

  it('is one that is larger than any', async () => {
    await leave(`${outcomeText(await scene.lease())}${' '.repeat(OUTCOME_LIMIT_BYTES)}`);
    expect(await look()).toBe('none');
    expect(refused).toEqual([expect.stringContaining(`more than ${OUTCOME_LIMIT_BYTES} bytes`)]);
    await expectUntouched();
  });

  it.each<[string, { readonly output?: string; readonly workspace?: string }]>([
    ['an output that was never uploaded', { output: outputUploadKey(address, 'd'.repeat(64)) }],
    ['a workspace that was never uploaded', { workspace: workspaceKey(EXECUTION_ID, 'd'.repeat(64)) }],
  ])('is one that names %s', async (_what, { output, workspace }) => {
    const announced = { sha256: 'd'.repeat(64), bytes: 5 };
    const completion = {
      ...(output === undefined ? {} : { output: { key: output, ...announced } }),
      ...(workspace === undefined ? {} : { workspace: { key: workspace, ...announced } }),
    };
    await leave(outcomeText(await scene.lease(), completion));
    expect(await look()).toBe('none');
    expect(refused).toEqual([expect.stringContaining(output ?? workspace ?? '')]);
    await expectUntouched();
  });

  it.each<[string, { readonly output?: string; readonly workspace?: string }]>([
    ['output of another attempt', { output: outputUploadKey({ ...address, attempt: 2 }, sha256('"x"')) }],
    ['workspace of another execution', { workspace: workspaceKey('report:two', sha256('"x"')) }],
  ])('is one that names the %s, although that is there', async (_what, { output, workspace }) => {
    const announced = { sha256: sha256('"x"'), bytes: 3 };
    scene.blobs.uploads.set(output ?? workspace ?? '', '"x"');
    const completion = {
      ...(output === undefined ? {} : { output: { key: output, ...announced } }),
      ...(workspace === undefined ? {} : { workspace: { key: workspace, ...announced } }),
    };
    await leave(outcomeText(await scene.lease(), completion));
    expect(await look()).toBe('none');
    expect(refused).toEqual([expect.stringContaining('is not an upload of this attempt')]);
    await expectUntouched();
  });

  it('is not concluded from a store that is away', async () => {
    scene.blobs.readSmall = async () => {
      throw new Error('SlowDown');
    };
    await expect(look()).rejects.toThrow('SlowDown');
    expect(refused).toEqual([]);
    await expectUntouched();
  });
});
