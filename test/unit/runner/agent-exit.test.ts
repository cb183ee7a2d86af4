import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitOf, exitOfFailedStart } from '../../../sandbox-images/runner/src/agent-exit.ts';
import {
  containerCpuMs,
  containerPeakMemoryBytes,
  outOfMemoryKills,
} from '../../../sandbox-images/runner/src/kernel-counters.ts';

const ended = { code: null, signal: null, outOfMemory: false } as const;

describe('memory', () => {
  it('ended the agent where the kernel killed it, or where it passes on that its child was', () => {
    expect(exitOf({ ...ended, signal: 'SIGKILL', outOfMemory: true })).toMatchObject({
      reason: 'out_of_memory',
      code: 137,
    });
    expect(exitOf({ ...ended, code: 137, outOfMemory: true })).toMatchObject({ reason: 'out_of_memory', code: 137 });
  });

  it('is named where the agent failed otherwise after the kernel killed a process of it', () => {
    expect(exitOf({ ...ended, code: 3, outOfMemory: true })).toEqual({
      reason: 'agent_failed',
      code: 3,
      message: 'the agent ended with code 3, after the kernel killed one of its processes for memory',
    });
  });

  it('is not named where the kernel killed nothing', () => {
    expect(exitOf({ ...ended, signal: 'SIGKILL' })).toMatchObject({ reason: 'killed', code: 137 });
    expect(exitOf({ ...ended, code: 137 })).toMatchObject({ reason: 'agent_failed', code: 137 });
  });
});

describe('a limit of the agent', () => {
  it.each([
    ['SIGXCPU', 'CPU time'],
    ['SIGXFSZ', 'size limit'],
  ] as const)('that ended it with %s is named', (signal, text) => {
    expect(exitOf({ ...ended, signal }).message).toContain(text);
  });
});

describe('a failed start', () => {
  it('is told from an agent that ended with the same code', () => {
    const end = { ...ended, code: 127 };
    const said = 'setpriv: failed to execute ./agent: No such file or directory\n';
    expect(exitOfFailedStart('setpriv', './agent', end, said)).toEqual({
      reason: 'agent_failed',
      code: 127,
      message: 'the command "./agent" could not be started (No such file or directory)',
    });
    expect(exitOfFailedStart('setpriv', 'sh', end, 'sh: 1: nope: not found\n')).toBeUndefined();
    expect(exitOfFailedStart('setpriv', 'sh', { ...ended, code: 1 }, said)).toBeUndefined();
  });
});

describe('the counters of a container', () => {
  it('are read from cgroup v2', async () => {
    const folder = await cgroup({
      'memory.events': 'low 0\noom 2\noom_kill 2\noom_group_kill 0\n',
      'cpu.stat': 'usage_usec 900000000000\nuser_usec 1\n',
      'memory.peak': '268435456\n',
    });
    expect(await outOfMemoryKills(folder)).toBe(2);
    expect(await containerPeakMemoryBytes(folder)).toBe(268435456);
    expect(await containerCpuMs(folder)).toBeGreaterThan(800_000_000);
  });

  it('are read from cgroup v1', async () => {
    const folder = await cgroup({
      'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
      'cpuacct/cpuacct.usage': '900000000000000\n',
      'memory/memory.max_usage_in_bytes': '4096\n',
    });
    expect(await outOfMemoryKills(folder)).toBe(3);
    expect(await containerPeakMemoryBytes(folder)).toBe(4096);
    expect(await containerCpuMs(folder)).toBeGreaterThan(800_000_000);
  });

  it('are unknown where the kernel does not tell', async () => {
    const folder = await cgroup({});
    expect(await outOfMemoryKills(folder)).toBe(0);
    expect(await containerPeakMemoryBytes(folder)).toBeUndefined();
    expect(await containerCpuMs(folder)).toBeUndefined();
  });
});

async function cgroup(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wflo-cgroup-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}
