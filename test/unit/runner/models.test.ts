import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxPayload } from '../../../lib/execution/payload.ts';
import { exitOfBudget } from '../../../sandbox-images/runner/src/agent-exit.ts';
import { agentEnvironment, parseEnvironment } from '../../../sandbox-images/runner/src/environment.ts';
import { type FakeGateway, fakeGateway, refusal } from '../../_helpers/fake-gateway.ts';
import { FAST, runnerWorld, until, type World } from '../../_helpers/runner-world.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function world(
  script: string,
  payload: Partial<SandboxPayload> = {},
): Promise<{ w: World; gateway: FakeGateway }> {
  const gateway = await fakeGateway();
  closing.push(() => gateway.close());
  const w = await runnerWorld({ command: ['node', '-e', script], ...payload }, undefined, gateway.url);
  closing.push(() => w.close());
  return { w, gateway };
}

const CALL = `
const call = async (stream) => {
  const answer = await fetch(process.env.OPENAI_BASE_URL + '/chat/completions', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream }),
  });
  return [answer.status, await answer.text()];
};
const report = (value) => require('fs').writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify(value));
`;
describe('an agent that calls a model', () => {
  it('has its answer, whole and as a stream, with the right of its lease', async () => {
    const { w, gateway } = await world(`${CALL} (async () => report([await call(false), await call(true)]))()`);
    expect(await w.runBundle()).toEqual({ code: 0, stderr: '' });
    const [whole, stream] = (await w.outputOf()) as [number, string][];
    expect(whole).toEqual([200, '{"choices":[{"message":{"role":"assistant","content":"hello"}}]}']);
    expect(stream?.[1]).toMatch(/^data: .*"hel".*\n\ndata: .*"lo".*\n\ndata: \[DONE\]\n\n$/);
    expect(gateway.seen.map(({ url, headers }) => [url, headers['x-wflo-epoch']])).toEqual([
      ['/models/openai/v1/chat/completions', '1'],
      ['/models/openai/v1/chat/completions', '1'],
    ]);
    expect(gateway.seen[0]?.headers.authorization).toMatch(/^Bearer [\w-]+\.\w+/);
    expect(w.calls).toEqual(['claim', 'complete']);
  });

  it('has no way to a model where the deployment has no gateway', async () => {
    const w = await runnerWorld({
      command: ['node', '-e', `${CALL} report(Object.keys(process.env).filter((n) => /^(AWS|OPENAI|GEMINI)/.test(n)))`],
    });
    closing.push(() => w.close());
    expect(await w.run()).toBe(0);
    expect(await w.outputOf()).toEqual([]);
  });

  it('is not started where the token would travel unencrypted', async () => {
    const w = await runnerWorld({ command: ['true'] }, undefined, 'http://models.example.com');
    closing.push(() => w.close());
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'runner_error', code: 64 });
  });

  it('leaves no call behind', async () => {
    const { w, gateway } = await world(`${CALL} void call(false); setTimeout(() => process.exit(0), 300)`);
    gateway.answer = (incoming) => void incoming.resume();
    expect(await w.run()).toBe(0);
    await until(() => gateway.seen.length > 0 && gateway.seen.every(({ brokenOff }) => brokenOff));
  });
});

describe('a refusal that ends the step', () => {
  it('reaches the agent, which is then ended, and the attempt with it', async () => {
    const { w, gateway } = await world(
      `${CALL} (async () => { report(await call(false)); setInterval(() => undefined, 1000); })()`,
    );
    gateway.answer = refusal;
    expect(await w.run({ timings: { ...FAST, killGraceMs: 5_000 } })).toBe(0);
    expect((await w.scene.attempt()).exit).toEqual({
      reason: 'budget_exceeded',
      code: 143,
      message: 'the budget of $0.10 is used up',
    });
    expect(await w.survivors()).toEqual([]);
    expect(w.scene.failures).toEqual([]);
  });

  it.each([
    ['swallows it and ends well at once', 'process.exit(0)', 143],
    ['fails of it at once', 'process.exit(3)', 3],
    [
      'ignores SIGTERM and calls on',
      'process.on("SIGTERM", () => undefined); for (;;) await call(false).catch(() => undefined)',
      137,
    ],
  ])('ends an agent that %s as well', async (_what, then, code) => {
    const { w, gateway } = await world(`${CALL} (async () => { await call(false); ${then}; })()`);
    gateway.answer = refusal;
    expect(await w.run()).toBe(0);
    const { exit } = await w.scene.attempt();
    expect(exit?.reason).toBe('budget_exceeded');
    // Whoever is quick enough ends before the signal does.
    expect([code, 143]).toContain(exit?.code);
  });

  it('does not hide that something of the agent could not be ended', () => {
    const error = { reason: 'runner_error', code: 64, message: 'still there' } as const;
    expect(exitOfBudget(error, 'used up')).toEqual(error);
  });
});

describe('the environment of the agent', () => {
  const folders = { home: '/h', temporary: '/t', input: '/i', output: '/o', carried: '/w' };
  const MODELS = { url: 'http://127.0.0.1:1/s', secureUrl: 'https://127.0.0.1:1/s', certificateFile: '/w/models.pem' };
  const environment = parseEnvironment({
    WFLO_API: 'https://api.example.com/',
    WFLO_EXECUTION: 'report:one',
    WFLO_STEP: 'write',
    WFLO_ATTEMPT: '1',
    WFLO_LEASE: 'lease',
    WFLO_CODE: 'code',
    ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/x',
  });

  it('leads to the gateway, whatever a step of an earlier version declares', () => {
    const declared = { OPENAI_BASE_URL: 'https://elsewhere.example.com', OPENAI_API_KEY: 'real', MINE: 'x' };
    expect(agentEnvironment(environment, folders, declared, MODELS)).toMatchObject({
      OPENAI_BASE_URL: 'http://127.0.0.1:1/s/openai/v1',
      OPENAI_API_KEY: 'wflo',
      MINE: 'x',
    });
    expect(agentEnvironment(environment, folders, declared)).toMatchObject(declared);
  });

  it.each([
    [{ HTTPS_PROXY: 'http://proxy' }, '127.0.0.1'],
    [{ http_proxy: 'http://proxy', no_proxy: 'internal, ' }, 'internal,127.0.0.1'],
    [{ ALL_PROXY: 'http://proxy', NO_PROXY: 'a,b' }, 'a,b,127.0.0.1'],
    [{ MINE: 'x', NO_PROXY: 'a' }, 'a'],
    [{}, undefined],
  ])('asks no proxy for the way to the gateway: %j', (declared, expected) => {
    expect(agentEnvironment(environment, folders, declared, MODELS).NO_PROXY).toBe(expected);
  });
});
