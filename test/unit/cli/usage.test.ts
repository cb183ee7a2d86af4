import { describe, expect, it } from 'vitest';
import { WfloError } from '../../../lib/errors.ts';
import { cli } from './cli-harness.ts';

describe('a wrong command line does nothing, exits 2 and says what would be right', () => {
  it.each([
    [['stauts'], 'did you mean `wflo status`?'],
    [['local', 'pu'], 'did you mean `wflo local up`?'],
    [['audits', 'verify'], 'did you mean `wflo audit`?'],
    [['help', 'rnu'], 'did you mean `wflo run`?'],
    [['frobnicate'], '`wflo help` lists the commands'],
    [['--local', 'run'], 'write: wflo <command> [options]'],
    [['run'], '`wflo run --help`'],
    [['run', 'hello', 'twice'], '`wflo run --help`'],
    [['run', 'hello', '--wiat'], 'did you mean --wait?'],
    [['run', 'hello', '--volume', '5'], '`wflo run --help`'],
    [['run', 'hello', '-w'], '`wflo run --help`'],
    [['run', 'hello', '--input'], '`wflo run --help`'],
    [['run', 'hello', '--input', '--wait'], '`wflo run --help`'],
    [['run', 'hello', '--input='], '`wflo run --help`'],
    [['run', 'hello', '--wait=yes'], '`wflo run --help`'],
    [['run', 'hello', '--name', 'a', '--name', 'b'], '`wflo run --help`'],
    [['run', 'hello', '--local', '--stage', 'prod'], 'use one of them'],
    [['run', 'hello', '--input', '@/no/such/file.json'], 'name a file that exists after the @'],
    [['run', 'hello', '--name', 'no spaces'], 'use 1 to 80 of A-Z a-z 0-9 - _'],
    [['list', '--status', 'runing'], 'use one of: starting, running'],
    [['list', '--as', 'ada'], 'add --local'],
    [['list', '--stage', 'prod', '--as', 'ada'], 'add --local'],
    [['deploy', '--as', 'ada'], '`wflo deploy --help`'],
    [['approve'], '`wflo approve --help`'],
    [['approvls'], 'did you mean `wflo approvals`?'],
    [['reject', 'a:b:c:1'], '`wflo reject --help`'],
    [['people', 'add', 'bob'], '`wflo people add --help`'],
    [['people', 'add', 'bob', '--name', 'Bob', '--role', 'oprator'], 'use one of: viewer, operator'],
    [['people', 'change', 'bob'], 'give --name, --role or --no-roles'],
    [['people', 'change', 'bob', '--role', 'viewer', '--no-roles'], 'use one of them'],
    [['people', 'group'], '`wflo people group --help`'],
    [['people', 'group', 'ops'], 'name all its members, or give --empty'],
    [['people', 'group', 'ops', 'ada', '--empty'], 'use one of them'],
    [['people', 'lnk', 'bob', 'arn'], 'did you mean `wflo people link`?'],
    [['tenants', 'add', 'acme', '--admin', 'ada', '--name', 'Ada'], '`wflo tenants add --help`'],
    [['freeze', '--all'], 'say why'],
    [['freeze', '--reason', 'x'], 'give one of --all, --workflow WORKFLOW and --tenant TENANT'],
    [['freeze', '--all', '--tenant', 'acme', '--reason', 'x'], 'give one of --all'],
    [['unfreeze'], 'give one of --all, --workflow WORKFLOW and --tenant TENANT'],
    [['graph', 'hello', '--local'], '`wflo graph --help`'],
    [['local', 'up', '--stage', 'x'], '`wflo local up --help`'],
    [['local', 'up', '--port', '80x'], 'from 1 to 65535'],
    [['local', 'up', '--port', '70000'], 'from 1 to 65535'],
    // `cli` runs in a folder that does not exist.
    [['local', 'up', '--port', '14566'], 'change into the folder that holds cdk.json'],
  ])('%j', async (args, fix) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [first, second] = stderr.split('\n');
    expect(first).toMatch(/^error usage: /);
    expect(second).toMatch(/^fix: /);
    expect(second).toContain(fix);
  });

  it('tells it as JSON where JSON was asked for', async () => {
    const { code, stdout, stderr } = await cli(['run', 'hello', '--wiat', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'usage', message: 'wflo run has no option --wiat', fix: 'did you mean --wait?' },
    });
  });

  it('refuses an unknown WFLO_TARGET', async () => {
    const { code, stderr } = await cli(['list'], { env: { WFLO_TARGET: 'locl' } });
    expect(code).toBe(2);
    expect(stderr).toContain('locl');
  });
});

describe('an input that is not JSON', () => {
  it('starts nothing and names the place', async () => {
    const { code, stdout, stderr } = await cli(['run', 'hello', '--input', '{"name": Alice}', '--json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'malformed_json', details: { line: 1, column: 10, offset: 9 } },
    });
  });
});

describe('an interrupted command', () => {
  it('exits 130 and tells no failure of what the interruption ended', async () => {
    const interrupt = new AbortController();
    const fails = (error: Error) => async () => {
      interrupt.abort();
      throw error;
    };
    for (const error of [new DOMException('aborted', 'AbortError'), new WfloError('deploy_failed', 'cdk ended')]) {
      const ran = await cli(['list'], { signal: interrupt.signal, connect: fails(error) });
      expect(ran).toEqual({ code: 130, stdout: '', stderr: '' });
    }
    const other = await cli(['list'], { signal: interrupt.signal, connect: fails(new WfloError('forbidden', 'no')) });
    expect(other.code).toBe(1);
  });
});

describe('what was not foreseen', () => {
  it('is internal, exit 1, with a stack only for those who look for it', async () => {
    const connect = () => Promise.reject(new TypeError('x is not a function'));
    const calm = await cli(['list'], { connect });
    expect(calm.code).toBe(1);
    expect(calm.stderr).toMatch(/^error internal: x is not a function\nfix: .*WFLO_DEBUG=1/);
    const debug = await cli(['list'], { connect, env: { WFLO_DEBUG: '1' } });
    expect(debug.stderr).toContain('usage.test.ts');
  });
});
