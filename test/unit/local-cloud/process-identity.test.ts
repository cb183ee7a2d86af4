import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { identityFromStat, isAlive, stopProcess, systemProcesses } from '../../../lib/local-cloud/process-identity.ts';
import { FakeProcesses } from '../../_helpers/fakes/fake-processes.ts';

const emulator = { pid: 41, startedIdentity: 'boot:100' };

describe('a known process', () => {
  it('is alive while pid and start time fit', () => {
    const processes = new FakeProcesses().start(41, 'boot:100');
    expect(isAlive(emulator, processes)).toBe(true);
    processes.alive.delete(41);
    expect(isAlive(emulator, processes)).toBe(false);
  });

  it('is not a later process with the same pid, which is never signalled', async () => {
    const processes = new FakeProcesses().start(41, 'boot:999');
    expect(isAlive(emulator, processes)).toBe(false);
    expect(await stopProcess(emulator, 1_000, processes)).toBe('not_running');
    expect(processes.signals).toEqual([]);
  });

  it('is asked to end, and killed only where it does not', async () => {
    const obedient = new FakeProcesses().start(41, 'boot:100');
    expect(await stopProcess(emulator, 1_000, obedient)).toBe('stopped');
    expect(obedient.signals).toEqual([{ pid: 41, signal: 'SIGTERM' }]);

    const stubborn = new FakeProcesses().start(41, 'boot:100', false);
    expect(await stopProcess(emulator, 50, stubborn)).toBe('killed');
    expect(stubborn.signals.map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
  });
});

describe('the start time of /proc/<pid>/stat', () => {
  const fields = [
    'S',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
    '8',
    '9',
    '10',
    '11',
    '12',
    '13',
    '14',
    '15',
    '16',
    '17',
    '18',
  ];
  const stat = (name: string, state = 'S') => `41 (${name}) ${[state, ...fields.slice(1)].join(' ')} 159896 0 0`;

  it('is found whatever the name of the program holds', () => {
    expect(identityFromStat(stat('python'), 'boot')).toBe('boot:159896');
    expect(identityFromStat(stat('a) S 1 (b c'), 'boot')).toBe('boot:159896');
  });

  it('is none for a process that has ended and was not collected', () => {
    expect(identityFromStat(stat('python', 'Z'), 'boot')).toBeUndefined();
  });
});

describe('the processes of this system', () => {
  it('are told apart by their start, and gone when they have ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const startedIdentity = systemProcesses.identity(pid) ?? '';
    expect(startedIdentity).not.toBe('');
    expect(systemProcesses.identity(pid)).toBe(startedIdentity);
    expect(systemProcesses.identity(process.pid)).not.toBe(startedIdentity);
    expect(await stopProcess({ pid, startedIdentity }, 5_000)).toBe('stopped');
    expect(systemProcesses.identity(pid)).toBeUndefined();
  });
});
