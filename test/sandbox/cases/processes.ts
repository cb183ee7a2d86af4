import { expect } from 'vitest';
import { bash, OK, okWith, python, reporting, type SandboxCase, TIMED_OUT } from '../case.ts';

/** Processes that do not want to end. Each would end by itself after a minute, should a driver fail. */
export const PROCESSES: readonly SandboxCase[] = [
  {
    name: 'a daemon that left its group and session ends with the agent, and holds nothing up',
    agent: python(`
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() > 0: os._exit(0)
    time.sleep(60)
    os._exit(0)
print('left', flush=True)
`),
    ends: { ...OK, holds: (after) => expect(after.wallMs).toBeLessThan(30_000) },
  },
  {
    name: 'a daemon without environment ends with the agent',
    agent: bash(
      'env -i setsid sleep 60 < /dev/null > /dev/null 2>&1 &\\necho "$!" > "$WFLO_OUTPUT"'.replace('\\n', '\n'),
    ),
    ends: { ...OK, holds: (after) => expect(after.output).toBeTypeOf('number') },
    differs: {
      process: {
        here: 'it survives',
        why: 'processes are found by a text in their environment; only a process namespace of their own is exact',
        ends: {
          ...OK,
          holds(after) {
            // Kills it, and throws where it does not live.
            process.kill(after.output as number, 'SIGKILL');
          },
        },
      },
    },
  },
  {
    name: 'an agent that ignores SIGTERM is killed, and is timed out with 124',
    agent: python(`
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
end = time.monotonic() + 60
while time.monotonic() < end: time.sleep(0.1)
`),
    payload: { timeoutSeconds: 1 },
    ends: { ...TIMED_OUT, holds: (after) => expect(after.wallMs).toBeLessThan(30_000) },
  },
  {
    name: 'a stopped agent is killed all the same',
    agent: python('import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)'),
    payload: { timeoutSeconds: 1 },
    ends: TIMED_OUT,
  },
  {
    name: 'a fork bomb ends at the time limit, and the sandbox still reports',
    agent: python(`
import os, time
end = time.monotonic() + 60
while time.monotonic() < end:
    try: os.fork()
    except OSError: time.sleep(0.01)
`),
    payload: { timeoutSeconds: 5 },
    // The smallest that Fargate has.
    memoryMiB: 512,
    ends: TIMED_OUT,
    differs: {
      process: {
        here: 'not run: it would take the processes of this machine',
        why: 'there is no process limit: it would bind the user of the sandbox host as a whole',
      },
    },
  },
  {
    name: 'an agent that spawns while it is killed leaves nothing',
    agent: python(`
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.monotonic() + 30
while time.monotonic() < end:
    if os.fork() == 0:
        os.setsid()
        time.sleep(20)
        os._exit(0)
    time.sleep(0.02)
`),
    payload: { timeoutSeconds: 1 },
    ends: TIMED_OUT,
  },
  {
    name: 'a process that replaces itself faster than it is found does not outlive the sandbox',
    agent: python(`
import os, time
end = time.monotonic() + 20
if os.fork() == 0:
    os.setsid()
    while time.monotonic() < end:
        if os.fork() > 0: os._exit(0)
    os._exit(0)
`),
    ends: OK,
    differs: {
      process: {
        here: 'not run: it may win',
        why: 'processes are looked for one after another; only the end of a process namespace kills all at once',
      },
    },
  },
  {
    name: 'signals to the runner and to everything are without effect beyond the agent',
    agent: reporting(`
import os, signal
refused = []
for target in (os.getppid(), 1):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGUSR1, 0):
        try: os.kill(target, number)
        except PermissionError: refused.append(int(number))
result = len(refused)
`),
    ends: okWith(10),
    differs: {
      process: {
        here: 'not run as such: see the row of an agent that kills its runner',
        why: 'agent and runner are one user, and the first process of this machine is not the runner',
      },
    },
  },
  {
    name: 'an agent that kills everything it may, kills itself alone',
    agent: bash('kill -9 -1\nwhile :; do :; done'),
    payload: { timeoutSeconds: 2 },
    ends: {
      // Linux spares the caller of kill(-1): bash goes on, as pid of its own.
      exit: { reason: 'timed_out', code: 124 },
    },
    differs: {
      process: {
        here: 'not run: it would kill everything of its user on this machine',
        why: 'there is no process namespace',
      },
    },
  },
  {
    name: 'an agent that kills its runner ends its own sandbox, and nothing is left',
    agent: python('import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(1)'),
    ends: {
      exit: { reason: 'agent_failed', code: 1 },
      holds: (after) => expect(after.text('stderr')).toContain('PermissionError'),
    },
    differs: {
      process: {
        here: 'the runner is killed, no exit is recorded, and the agent ends with it',
        why: 'agent and runner are one user',
        ends: { exit: null, sandbox: 137 },
      },
    },
  },
  {
    name: 'an agent that prints 100 MB without a newline ends well, and the rest is counted',
    agent: python('import sys\nfor _ in range(100): sys.stdout.write("x" * 1_000_000)'),
    ends: {
      ...OK,
      holds: async (after) => {
        expect(
          after.logs.filter(({ stream }) => stream === 'stdout').reduce((sum, { text }) => sum + text.length, 0),
        ).toBe(5 * 1024 * 1024);
        expect((await after.world.scene.attempt()).usage).toMatchObject({
          stdoutBytes: 100_000_000,
          stdoutTruncated: true,
        });
      },
    },
  },
  {
    name: 'an agent that closes stdout and stderr and goes on is waited for',
    agent: reporting('import os, time\nos.close(1)\nos.close(2)\ntime.sleep(1)\nresult = "later"'),
    ends: okWith('later'),
  },
  {
    name: 'a sandbox that is told to stop ends its agent and says so',
    agent: python('import time\nprint("y" * 300_000, flush=True)\ntime.sleep(60)'),
    arrange(run) {
      run.world.intercept = (call) => {
        if (call === 'events') run.stop();
        return false;
      };
    },
    ends: {
      exit: { reason: 'killed', code: 143, signal: 'SIGTERM' },
      holds: (after) => expect(after.exit?.message).toBe('the sandbox was told to stop (SIGTERM)'),
    },
  },
];
