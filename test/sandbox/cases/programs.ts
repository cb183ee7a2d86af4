import { expect } from 'vitest';
import { LINES_LIMIT } from '../../../sandbox-images/runner/src/stream-capture.ts';
import { bash, OK, okWith, python, reporting, type SandboxCase, TIMED_OUT } from '../case.ts';

const UNICODE = ['ünïcödé', '日本語', '🦉👩‍👩‍👧', 'ﷺ', '\u0000', '\u2028', '"\\\n\t', 'e\u0301', '\ud7ff\ue000'];

/** Programs that mean no harm: their ends are exact. */
export const PROGRAMS: readonly SandboxCase[] = [
  {
    name: 'a program that prints ends with 0, and its line arrives',
    agent: python('print("hello")'),
    ends: {
      ...OK,
      holds: (after) => expect(after.logs.map(({ stream, text }) => [stream, text])).toEqual([['stdout', 'hello']]),
    },
  },
  {
    name: 'an empty program ends with 0 and no output',
    agent: python(''),
    ends: { ...okWith(undefined), holds: (after) => expect(after.logs).toEqual([]) },
  },
  {
    name: 'a syntax error is the agent that failed, with what Python says about it',
    agent: python('print("hello"'),
    ends: {
      exit: { reason: 'agent_failed', code: 1 },
      holds: (after) => expect(after.text('stderr')).toContain("SyntaxError: '(' was never closed"),
    },
  },
  {
    name: 'a division by zero is the agent that failed',
    agent: python('1 / 0'),
    ends: {
      exit: { reason: 'agent_failed', code: 1 },
      holds: (after) => expect(after.text('stderr')).toContain('ZeroDivisionError'),
    },
  },
  {
    name: 'a missing import is told on stderr, apart from stdout',
    agent: python('print("before", flush=True)\nimport no_such_module_anywhere'),
    ends: {
      exit: { reason: 'agent_failed', code: 1 },
      holds: (after) => {
        expect(after.text('stdout')).toBe('before');
        expect(after.text('stderr')).toContain("ModuleNotFoundError: No module named 'no_such_module_anywhere'");
      },
    },
  },
  {
    name: 'a program that sleeps beyond its time limit is timed out with 124',
    agent: python('import time\ntime.sleep(600)'),
    payload: { timeoutSeconds: 1 },
    ends: {
      ...TIMED_OUT,
      holds: (after) => expect(after.exit?.message).toBe('the agent ran into its time limit of 1 s'),
    },
  },
  {
    name: 'a gibibyte under 256 MiB is out of memory, and never a success',
    agent: python('block = bytearray(1 << 30)\nblock[::4096] = b"x" * len(block[::4096])\nprint("taken", flush=True)'),
    ends: {
      exit: { reason: 'out_of_memory', code: 137 },
      holds: (after) => expect(after.text('stdout')).toBe(''),
    },
    differs: {
      process: {
        here: 'the memory is taken and the step succeeds',
        why: 'a process of this machine has no memory limit of its own',
        ends: OK,
      },
    },
  },
  {
    name: 'Unicode comes back as it went in',
    agent: reporting('import json, os\nresult = json.load(open(os.environ["WFLO_INPUT"], encoding="utf-8"))'),
    payload: { input: UNICODE },
    ends: okWith(UNICODE),
  },
  {
    name: 'of 100,000 lines the first 50,000 arrive in order, and the rest is counted',
    agent: python('for n in range(100_000): print(n)'),
    ends: {
      ...OK,
      holds: (after) => {
        expect(after.text('stdout') === Array.from({ length: LINES_LIMIT }, (_, n) => n).join('\n')).toBe(true);
        expect(after.text('runner')).toBe('stdout was cut: 588890 bytes written, the first 288890 kept');
      },
    },
  },
  {
    name: 'a bash script runs, with what it declares',
    agent: bash('set -euo pipefail\nx=(a b)\necho "\\"${x[1]} $GREETING\\"" > "$WFLO_OUTPUT"', {
      env: { GREETING: 'hi' },
    }),
    ends: okWith('b hi'),
  },
  {
    name: 'a compiled program in an image of the project runs with nothing but its own',
    agent: { command: ['agent'], image: 'compiled' },
    payload: { input: { n: 20 } },
    ends: okWith({ language: 'c', uid: 1000, inputBytes: 8 }),
    differs: {
      process: {
        here: 'not run: there is no image',
        why: 'the image of a step is not used; its programs must be on this machine',
      },
    },
  },
];
