import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const bin = resolve(import.meta.dirname, '../../../bin/wflo.mjs');

function wflo(...args: string[]) {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-central-1',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

describe('the wflo command as a process', () => {
  it('prints its help and nothing else', () => {
    expect(wflo('--help')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Usage: wflo') });
  });

  it('exits 2 for a wrong command line', () => {
    expect(wflo('stauts')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error usage: there is no command "stauts"\nfix: did you mean `wflo status`?\n',
    });
  });

  it('lets no warning of a library through, such as that of the AWS SDK about Node', () => {
    const { code, stderr } = wflo('list');
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^error no_target: no usable AWS credentials/),
      expect.stringMatching(/^fix: /),
      '',
    ]);
  });
});
