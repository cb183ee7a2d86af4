import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../lib/cli/commands/index.ts';
import { invocationOf, requestOf } from '../../../lib/cli/invocation.ts';
import { cli } from './cli-harness.ts';

/** The words of an example as a shell would hand them over: quotes, and no pipes. */
function words(line: string): string[] {
  const [first = ''] = line.split(/ (?:>|\||&&) /);
  return [...first.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '').slice(1);
}

describe('help', () => {
  it.each(COMMANDS.map((command) => [command.name, command] as const))('of %s', async (name) => {
    const { code, stdout, stderr } = await cli([...name.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
    expect(await cli(['help', ...name.split(' ')])).toEqual({ code, stdout, stderr });
  });

  it('lists every command', async () => {
    const { code, stdout } = await cli(['help']);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command.name}  `);
    expect((await cli([])).stdout).toBe(stdout);
    expect((await cli(['--help'])).stdout).toBe(stdout);
  });

  it.each(['local', 'audit', 'budget', 'people', 'tenants'])('lists the commands of the group %s', async (group) => {
    const { code, stdout } = await cli([group]);
    expect(code).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}(\w+ \w+) {2}/gm)].map((match) => match[1]);
    const expected = COMMANDS.map((command) => command.name).filter((name) => name.startsWith(`${group} `));
    expect(listed).toEqual(expected);
  });

  it('shows examples that are right command lines of their command', () => {
    for (const command of COMMANDS) {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        const request = requestOf(words(example.command), COMMANDS);
        expect(request).toMatchObject({ kind: 'run', command: { name: command.name } });
        if (request.kind === 'run') invocationOf(request.command, request.args);
      }
    }
  });

  it('names every command and option once', () => {
    const names = COMMANDS.map((command) => command.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { options } of COMMANDS) {
      expect(new Set(options.map((option) => option.name)).size).toBe(options.length);
    }
  });
});

describe('version', () => {
  it('is that of the package', async () => {
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
