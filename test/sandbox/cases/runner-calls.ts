import { expect } from 'vitest';
import { recordSignedOutcome } from '../../../lib/execution/record-signed-outcome.ts';
import { answer } from '../../_helpers/runner-world.ts';
import { okWith, python, reporting, type SandboxCase } from '../case.ts';

/** Answers the first calls of a verb with failures, half of them by breaking the connection. */
function failing(verb: string, times: number): NonNullable<SandboxCase['arrange']> {
  return ({ world }) => {
    let failures = 0;
    world.intercept = (call, _request, response) => {
      if (call !== verb || failures >= times) return false;
      failures += 1;
      if (failures % 2 === 0) response.destroy();
      else answer(response, 503, '');
      return true;
    };
  };
}

/** Kills the runner with the first call that is asked for; the call is not answered. */
function killedWith(verb: string): NonNullable<SandboxCase['arrange']> {
  return ({ world, killRunner }) => {
    world.intercept = (call, _request, response) => {
      if (call !== verb) return false;
      void killRunner().finally(() => response.destroy());
      return true;
    };
  };
}

const KILLED = { exit: null, sandbox: 137 } as const;
const LOUD = 'import time\nprint("y" * 300_000, flush=True)\ntime.sleep(60)';

/** What happens between the runner and the API, and to the runner. */
export const RUNNER_CALLS: readonly SandboxCase[] = [
  {
    name: 'a runner that is killed before its claim is answered leaves nothing, and the end is told',
    agent: python(''),
    arrange: killedWith('claim'),
    ends: { ...KILLED, holds: async ({ world }) => expect((await world.scene.lease()).status).toBe('offered') },
  },
  {
    name: 'a runner that is killed after its claim leaves nothing, and the end is told',
    agent: python(''),
    arrange: killedWith('GET object'),
    ends: { ...KILLED, holds: async ({ world }) => expect((await world.scene.lease()).status).toBe('claimed') },
  },
  {
    name: 'a runner that is killed while its agent runs leaves nothing, and the end is told',
    agent: python(LOUD),
    arrange: killedWith('events'),
    ends: { ...KILLED, holds: ({ wallMs }) => expect(wallMs).toBeLessThan(30_000) },
  },
  {
    name: 'a runner that is killed before its outcome is taken leaves nothing, and the end is told',
    agent: python('print("done")'),
    arrange: killedWith('complete'),
    ends: KILLED,
  },
  {
    name: 'a runner that is killed while the API is away has left its outcome, signed',
    agent: reporting('result = "kept"'),
    arrange({ world, killRunner }) {
      world.intercept = (call, _request, response) => {
        if (call !== 'complete') return false;
        void (world.outcome() === undefined ? Promise.resolve() : killRunner()).finally(() => response.destroy());
        return true;
      };
    },
    ends: {
      ...KILLED,
      async holds({ world }) {
        const [execution, lease] = [await world.scene.execution(), await world.scene.lease()];
        const signals = { outcomeRefused: (_lease: unknown, why: string) => expect.fail(why) };
        expect(
          await recordSignedOutcome(
            { ...world.scene.ports, executions: world.scene.ports.store, signals },
            { execution, lease },
          ),
        ).toBe('recorded');
        expect((await world.scene.attempt()).exit).toEqual({ reason: 'ok', code: 0 });
        expect(await world.outputOf()).toBe('kept');
      },
    },
  },
  {
    name: 'an API that is away at the end is asked until it takes the outcome',
    agent: reporting('result = "kept"'),
    arrange: failing('complete', 5),
    ends: {
      ...okWith('kept'),
      holds: ({ world }) => expect(world.calls.filter((call) => call === 'complete')).toHaveLength(6),
    },
  },
  {
    name: 'an API that is away at the beginning is asked until it answers the claim',
    agent: reporting('result = "late"'),
    arrange: failing('claim', 4),
    ends: okWith('late'),
  },
  {
    name: 'an agent that asks the API for everything gets nothing, and its step ends well',
    agent: reporting(
      `
import http.client, json, os, re, socket, urllib.error, urllib.request
def addresses():
    try:
        variables = open(f'/proc/{os.getppid()}/environ').read()
        return [re.search(r'WFLO_API=(https?://[^/\\0]+)', variables).group(1)]
    except OSError: pass
    found = set()
    for line in open('/proc/net/tcp').read().splitlines()[1:]:
        for end in line.split()[1:3]:
            host, port = end.split(':')
            host = socket.inet_ntoa(bytes.fromhex(host)[::-1])
            if port != '0000': found.add(('127.0.0.1' if host == '0.0.0.0' else host) + f':{int(port, 16)}')
    return [f'{scheme}://{address}' for address in sorted(found) for scheme in ('http', 'https')]
own = {'executionId': os.environ['WFLO_EXECUTION'], 'path': os.environ['WFLO_STEP'], 'attempt': 1}
complete = {'epoch': 1, 'exit': {'reason': 'ok', 'code': 0}, 'output': {'text': '"forged"'}, 'logs': [],
            'usage': {'wallMs': 1, 'stdoutBytes': 0, 'stderrBytes': 0, 'stdoutTruncated': False, 'stderrTruncated': False}}
claim = {**own, 'protocol': 1, 'leaseId': 'x', 'code': 'guess', 'nonce': 'n' * 43, 'taskArn': 'arn:aws:ecs:us-east-1:1:task/a/b', 'outcomeKey': 'k' * 43}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
taken = []
for api in addresses():
  for verb, body, token in [
    ('claim', b'{', None), ('claim', b'', None), ('claim', json.dumps(claim).encode(), None),
    ('claim', json.dumps({**claim, 'executionId': 'other:one'}).encode(), None),
    ('complete', json.dumps(complete).encode(), None), ('complete', json.dumps(complete).encode(), 'guess'),
    ('heartbeat', b'\\xff' * 1000, 'guess'), ('urls', b'[' * 10_000, 'a.b.c'), ('events', b'null', ''), ('../admin', b'{}', None)]:
      request = urllib.request.Request(f'{api}/v1/{verb}', data=body, headers={'content-type': 'application/json', **({} if token is None else {'authorization': 'Bearer ' + token})})
      try: taken.append([verb, opener.open(request, timeout=3).status])
      except urllib.error.HTTPError as error:
          if error.code >= 500: taken.append([verb, error.code])
      except (OSError, ValueError, http.client.HTTPException): pass
result = taken
`,
    ),
    ends: {
      ...okWith([]),
      holds: async ({ world }) => {
        expect(world.scene.eventTypes()).toEqual(['sandbox.claimed', 'step.started', 'sandbox.exited']);
        expect(world.calls.filter((call) => call === 'claim').length).toBeGreaterThan(1);
      },
    },
  },
];
