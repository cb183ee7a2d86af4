import { type Command, type OptionSpec, optionsOf } from './command.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** `wflo run <workflow> [--input JSON|@FILE] …`, with the options of the command itself. */
export function usageLine(command: Command): string {
  const positionals = command.positionals.map(({ name, many }) => (many ? `[<${name}>...]` : `<${name}>`));
  const options = command.options.map((option) => {
    const text = option.required ? optionText(option) : `[${optionText(option)}]`;
    return option.many ? `${text}...` : text;
  });
  return ['wflo', command.name, ...positionals, ...options].join(' ');
}

export function optionText({ name, value }: OptionSpec): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

export function commandHelp(command: Command, style: Style): string[] {
  const title = (text: string) => style('bold', text);
  return [
    `wflo ${command.name}: ${command.summary}`,
    '',
    `${title('Usage')}: ${usageLine(command)}`,
    ...(command.description === undefined ? [] : ['', ...wrapped(command.description)]),
    '',
    ...section(
      title('Arguments'),
      command.positionals.map(({ name, summary }) => [`<${name}>`, summary]),
    ),
    ...section(
      title('Options'),
      optionsOf(command).map((option) => [optionText(option), option.summary]),
    ),
    `${title('Examples')}`,
    ...command.examples.flatMap(({ command: line, shows }) => [`  # ${shows}`, `  ${line}`]),
  ];
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const names = Math.max(...rows.map(([name = '']) => name.length));
  const lines = rows.flatMap(([name = '', summary = '']) =>
    wrapped(summary, WIDTH - names - 4).map((part, index) => [index === 0 ? name : '', part]),
  );
  return [title, ...table(lines).map((line) => `  ${line}`), ''];
}

/** All commands, or those of one first word. */
export function overview(commands: readonly Command[], topic: string | undefined, style: Style): string[] {
  const shown = topic === undefined ? commands : commands.filter((command) => command.name.startsWith(`${topic} `));
  return [
    topic === undefined ? 'wflo: the secure runtime for AI agents, in your own AWS account' : `wflo ${topic}`,
    '',
    `${style('bold', 'Usage')}: wflo ${topic ?? '<command>'}${topic === undefined ? '' : ' <command>'} [options]`,
    '',
    ...section(
      style('bold', 'Commands'),
      shown.map((command) => [command.name, command.summary]),
    ),
    '`wflo <command> --help` shows options and examples. Every command has --json; errors carry a code of docs/errors.',
    'Exit status: 0 done, 1 failed, 2 the command line is wrong.',
  ];
}

const WIDTH = 100;

function wrapped(text: string, width = WIDTH): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
