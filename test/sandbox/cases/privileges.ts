import { expect } from 'vitest';
import { OK, okWith, python, reporting, type SandboxCase } from '../case.ts';

const HOST_USER = 'the agent runs as the user of the sandbox host, here uid';
const own = process.getuid?.();
const isRoot = own === 0;

const STATUS = `
import os
status = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
`;
const NO_CAPABILITY = '0'.repeat(16);

/** What an agent is, and what it may. */
export const PRIVILEGES: readonly SandboxCase[] = [
  {
    name: 'the agent is uid and gid 1000, in no other group',
    agent: reporting('import os\nresult = [os.getresuid(), os.getresgid(), [g for g in os.getgroups() if g != 1000]]'),
    ends: okWith([[1000, 1000, 1000], [1000, 1000, 1000], []]),
    differs: {
      process: {
        here: 'the uid of the sandbox host',
        why: 'the folders of tasks belong to that user, so another could not run there',
        ends: { ...OK, holds: (after) => expect((after.output as number[][])[0]).toEqual([own, own, own]) },
      },
    },
  },
  {
    name: 'the agent has no capability: effective, permitted, inheritable, bounding, ambient',
    agent: reporting(
      `${STATUS}\nresult = [status[name].strip() for name in ('CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb')]`,
    ),
    ends: okWith([NO_CAPABILITY, NO_CAPABILITY, NO_CAPABILITY, NO_CAPABILITY, NO_CAPABILITY]),
    differs: {
      process: {
        here: 'not held: see the row of the user',
        why: 'a process of another user than root has none, but its bounding set is that of the machine',
      },
    },
  },
  {
    name: 'the agent can gain no privileges',
    agent: reporting(`${STATUS}\nresult = status['NoNewPrivs'].strip()`),
    ends: okWith('1'),
  },
  {
    name: 'the root file system is read-only, and the workspace and the temporary folders are not',
    agent: reporting(`
import os
def writable(folder):
    try:
        with open(os.path.join(folder, 'probe-' + os.environ['BATTERY_MARK']), 'w') as file: file.write('x')
        return True
    except OSError: return False
result = {folder: writable(folder) for folder in ('/', '/etc', '/usr/bin', '/opt/wflo', '/home', '/var/tmp', '/tmp', '.', os.environ['HOME'], os.environ['TMPDIR'])}
result = sorted(folder for folder, may in result.items() if may and not folder.startswith('/workspace')), result[os.environ['HOME']], result[os.environ['TMPDIR']]
`),
    ends: okWith([['.', '/tmp'], true, true]),
    differs: {
      process: {
        here: 'not run: it would write to this machine',
        why: 'the file system is that of this machine, as far as its user may write',
      },
    },
  },
  {
    name: 'no variable of the agent holds a credential, a code or the address of the API',
    agent: reporting('import os\nresult = sorted(name for name in os.environ if name != "LC_CTYPE")'),
    ends: okWith([
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_BASE_URL',
      'AWS_BEARER_TOKEN_BEDROCK',
      'AWS_CA_BUNDLE',
      'AWS_DEFAULT_REGION',
      'AWS_EC2_METADATA_DISABLED',
      'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
      'AWS_REGION',
      'BATTERY_MARK',
      'GEMINI_API_KEY',
      'GOOGLE_GEMINI_BASE_URL',
      'HOME',
      'LANG',
      'NODE_EXTRA_CA_CERTS',
      'OPENAI_API_KEY',
      'OPENAI_BASE_URL',
      'PATH',
      'TMPDIR',
      'WFLO_ATTEMPT',
      'WFLO_EXECUTION',
      'WFLO_INPUT',
      'WFLO_OUTPUT',
      'WFLO_STEP',
      'WFLO_WORKSPACE',
    ]),
  },
  {
    name: 'programs with the setuid bit give the agent no other user',
    agent: reporting(`
import glob, os, subprocess
found = [path for folder in ('/bin', '/usr/bin', '/usr/sbin', '/usr/lib') for path in glob.glob(folder + '/**', recursive=True)
         if os.path.isfile(path) and os.stat(path).st_mode & 0o6000]
gained = []
for path in ('/bin/su', '/usr/bin/su'):
    if os.path.exists(path):
        done = subprocess.run([path, '-c', 'id -u'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        if done.returncode == 0: gained.append(path)
mounted = subprocess.run(['mount', '-t', 'tmpfs', 'none', '/tmp'], capture_output=True).returncode == 0
for call in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot('/tmp')):
    try:
        call()
        gained.append('system call')
    except PermissionError: pass
result = [gained, mounted]
`),
    ends: okWith([[], false]),
    differs: {
      process: {
        here: 'not run: as root there is nothing to gain, and it would mount on this machine',
        why: 'the agent has the rights of the user of the sandbox host already (no new privileges hold for others)',
      },
    },
  },
  {
    name: 'a namespace of its own gives the agent no rights',
    agent: reporting(`
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
NEW = {'user': 0x10000000, 'mount': 0x00020000, 'pid': 0x20000000, 'net': 0x40000000}
result = [name for name, flag in NEW.items() if libc.unshare(flag) == 0]
`),
    ends: okWith([]),
    differs: {
      process: {
        here: 'not run: whether this machine allows namespaces is its own setting',
        why: 'there is no system call filter',
      },
    },
  },
  {
    name: 'tracing of the runner, and of every other process, is refused',
    agent: ({ driver }) =>
      reporting(`
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
ATTACH, DETACH = 16, 17
pids = ${driver === 'docker' ? "[int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]" : '[os.getppid()]'}
traced = []
for pid in pids:
    if libc.ptrace(ATTACH, pid, 0, 0) == 0:
        os.waitpid(pid, 0x40000000)
        libc.ptrace(DETACH, pid, 0, 0)
        traced.append(pid)
result = [len(pids) > 0, traced]
`),
    ends: okWith([true, []]),
    differs: {
      process: {
        here: 'the runner can be traced by root, and by others where the kernel lets processes of one user trace each other',
        why: `${HOST_USER}, as the runner does`.replace(', here uid', ''),
        ...(isRoot
          ? { ends: { ...OK, holds: (after) => expect((after.output as unknown[])[1]).toHaveLength(1) } }
          : {}),
      },
    },
  },
  {
    name: 'environment, memory and open files of the runner cannot be read',
    agent: ({ driver }) =>
      reporting(`
import os
read = []
for pid in {os.getppid()${driver === 'docker' ? ", 1, *(int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid())" : ''}}:
    for name in ('environ', 'mem', 'maps', 'fd', 'cwd', 'root', 'auxv'):
        path = f'/proc/{pid}/{name}'
        try:
            if name == 'fd': os.listdir(path)
            elif name in ('cwd', 'root'): os.readlink(path)
            elif open(path, 'rb').read(1) == b'' and name == 'maps': continue
            read.append(name)
        except OSError: pass
result = sorted(read)
`),
    ends: okWith([]),
    differs: {
      process: {
        here: 'the environment of the runner, with the code of its lease, can be read',
        why: 'agent and runner are one user; the code alone claims nothing again, but the session token is in its memory',
        ends: { ...OK, holds: (after) => expect(after.output).toContain('environ') },
      },
    },
  },
  {
    name: 'user and variables of an image do not reach the runner',
    agent: {
      command: ['sh', '-c', 'echo "{\\"uid\\":$(id -u),\\"options\\":\\"$NODE_OPTIONS\\"}" > "$WFLO_OUTPUT"'],
      image: 'hostile',
    },
    ends: okWith({ uid: 1000, options: '' }),
    differs: {
      process: {
        here: 'not run: there is no image',
        why: 'the image of a step is not used; its programs must be on this machine',
      },
    },
  },
  {
    name: 'command lines hold no code and no token',
    agent: ({ driver }) =>
      reporting(`
import os
lines = []
for pid in ${driver === 'docker' ? "[name for name in os.listdir('/proc') if name.isdigit()]" : "['self', str(os.getppid())]"}:
    try: lines.append(open(f'/proc/{pid}/cmdline').read())
    except OSError: pass
result = ' '.join(lines)
`),
    ends: {
      ...OK,
      holds: (after) => {
        const { WFLO_CODE = '', WFLO_LEASE = '' } = after.world.variables();
        expect(after.output).toContain('main.py');
        expect(after.output).not.toContain(WFLO_CODE);
        expect(after.output).not.toContain(WFLO_LEASE);
      },
    },
  },
  {
    name: 'variables that change how programs start reach the agent only, not the runner',
    agent: reporting('import os\nresult = [os.environ["NODE_OPTIONS"], os.environ["LD_AUDIT"]]', {
      env: {
        LD_AUDIT: '/nowhere/audit.so',
        NODE_OPTIONS: '--require=/nowhere/evil.js',
        BASH_ENV: '/nowhere/evil.sh',
      },
    }),
    ends: {
      ...okWith(['--require=/nowhere/evil.js', '/nowhere/audit.so']),
      holds: (after) => expect(after.text('runner')).toBe(''),
    },
  },
  {
    name: 'an agent that crashes leaves no core dump',
    agent: python(`
import os, resource, signal
print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.kill(os.getpid(), signal.SIGSEGV)
`),
    ends: {
      exit: { reason: 'killed', code: 139, signal: 'SIGSEGV' },
      holds: (after) => expect(after.text('stdout')).toBe('(0, 0)'),
    },
  },
  {
    name: 'an agent that opens files without end is refused at its limit',
    agent: reporting(`
import os
opened = []
try:
    while len(opened) < 2_000_000: opened.append(os.open('/dev/null', os.O_RDONLY))
except OSError as error: result = [error.errno == 24, len(opened) < 70_000]
for descriptor in opened: os.close(descriptor)
`),
    ends: okWith([true, true]),
  },
];
