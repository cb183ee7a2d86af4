import { expect } from 'vitest';
import { OUTPUT_LIMIT_BYTES } from '../../../lib/sandbox/protocol.ts';
import { bash, OK, okWith, python, reporting, type SandboxCase } from '../case.ts';

/** What an agent does with its output file and its disk. */
export const FILES: readonly SandboxCase[] = [
  {
    name: 'a symbolic link as output is not followed',
    agent: bash('ln -s /etc/passwd "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'a symbolic link to the environment of the runner as output is not followed',
    agent: bash('ln -s /proc/1/environ "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'a pipe as output is not opened',
    agent: bash('mkfifo "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'a folder as output is refused',
    agent: bash('mkdir "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'a hard link to the input as output is refused',
    agent: bash('cp "$WFLO_INPUT" own.json && ln own.json "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'an output of nine gibibytes of nothing is refused without being read',
    agent: bash('truncate -s 9G "$WFLO_OUTPUT"'),
    ends: {
      ...okWith(undefined),
      error: 'output_too_large',
      holds: (after) => expect(after.wallMs).toBeLessThan(30_000),
    },
  },
  {
    name: 'an output of one byte too many is refused',
    agent: bash(
      `head -c ${OUTPUT_LIMIT_BYTES - 1} /dev/zero | tr '\\0' 1 > "$WFLO_OUTPUT"; echo 12 | head -c 2 >> "$WFLO_OUTPUT"`,
    ),
    ends: { ...okWith(undefined), error: 'output_too_large' },
  },
  {
    name: 'an output that is no JSON is refused',
    agent: bash('echo "{" > "$WFLO_OUTPUT"'),
    ends: { ...okWith(undefined), error: 'invalid_output' },
  },
  {
    name: 'an output that is changed after the end is the one of the end',
    agent: python(`
import os, time
with open(os.environ['WFLO_OUTPUT'], 'w') as file: file.write('"first"')
parent = os.getpid()
if os.fork() == 0:
    os.setsid()
    while os.getppid() == parent: time.sleep(0.01)
    time.sleep(2)
    with open(os.environ['WFLO_OUTPUT'], 'w') as file: file.write('"changed"')
    os._exit(0)
`),
    ends: okWith('first'),
  },
  {
    name: 'a file of a terabyte of nothing is refused',
    agent: reporting(`
import os
descriptor = os.open('sparse', os.O_CREAT | os.O_RDWR, 0o600)
try:
    os.truncate(descriptor, 1 << 40)
    result = 'taken'
except OSError as error: result = error.errno
`),
    // EFBIG
    ends: okWith(27),
  },
  {
    name: 'ten thousand files are deleted with the sandbox',
    agent: reporting(`
import os
for n in range(10_000):
    os.makedirs(f'deep/{n % 100}', exist_ok=True)
    with open(f'deep/{n % 100}/{n}', 'w') as file: file.write('x')
result = sum(len(files) for _, _, files in os.walk('deep'))
`),
    ends: okWith(10_000),
  },
  {
    name: 'a folder that its owner may not enter is deleted with the sandbox',
    agent: bash('mkdir -p locked/inner && touch locked/inner/file && chmod 0 locked/inner locked'),
    ends: OK,
  },
  {
    name: 'an agent that fills the disk is refused, and its sandbox still reports',
    agent: reporting(`
import os
written = 0
block = b'x' * (1 << 20)
try:
    with open('fill', 'wb', buffering=0) as file:
        while written < 1 << 31: written += file.write(block)
except OSError as error: result = error.errno
else: result = 'never refused'
os.remove('fill')
`),
    ends: okWith(28),
    differs: {
      process: {
        here: 'not run: it would fill the disk of this machine',
        why: 'folders of this machine have no quota',
      },
    },
  },
];
