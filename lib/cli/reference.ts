import { COMMON_OPTIONS, type Command, type OptionSpec, TARGET_OPTIONS } from './command.ts';
import { optionText, usageLine } from './help.ts';

/** The text of `docs/cli.md`, made from the commands; a test holds the file to it. */
export function cliReference(commands: readonly Command[]): string {
  return [
    '# The command line',
    '',
    'This page is made from the commands in `lib/cli/commands` (`UPDATE_DOCS=1 npx vitest run --project unit test/unit/cli/reference.test.ts`).',
    '',
    '- Results go to stdout, everything else to stderr. With `--json`, stdout holds one JSON document, or with `--follow` one a line;',
    '  an error is `{ "error": { code, message, fix?, details? } }` on stderr.',
    '- Exit status: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted by Ctrl-C. Every error code has a page in [errors](errors).',
    '- A command, option or value that does not exist is an error; nothing is ignored.',
    '- Target: with `--local`, or `WFLO_TARGET=local`, the local AWS of this folder (`.wflo/local.json`). Otherwise the AWS account of your',
    '  credentials, where the parameter `/wflo/<stage>/control-api-url` leads to the deployment; the stage comes from `--stage`, `WFLO_STAGE`, `cdk.json`, or is `dev`.',
    '- `--as PERSON` signs with the keys of one of the people that `wflo local up` made. It is for the local AWS only: elsewhere, who you are is what your credentials say.',
    '- `NO_COLOR` turns colours off, `FORCE_COLOR=1` on.',
    '',
    '| command | what it does |',
    '|---|---|',
    ...commands.map((command) => `| [\`wflo ${command.name}\`](#${anchor(command)}) | ${cell(command.summary)} |`),
    '',
    `Every command has ${COMMON_OPTIONS.map((option) => `\`--${option.name}\` (${option.summary})`).join(' and ')}.`,
    '',
    ...commands.flatMap(commandSection),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function anchor(command: Command): string {
  return `wflo-${command.name.replaceAll(' ', '-')}`;
}

function commandSection(command: Command): string[] {
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`;
  const rows: (readonly [string, string])[] = [
    ...command.positionals.map(({ name, summary: text }) => [`<${name}>`, text] as const),
    ...ownOptions(command).map((option) => [optionText(option), option.summary] as const),
  ];
  const targets = command.options.includes(TARGET_OPTIONS[0] as OptionSpec);
  return [
    `## wflo ${command.name}`,
    '',
    command.description === undefined ? summary : `${summary} ${command.description}`,
    '',
    '```',
    usageLine(command),
    '```',
    '',
    ...(rows.length === 0
      ? []
      : ['| | |', '|---|---|', ...rows.map(([term, text]) => `| \`${cell(term)}\` | ${cell(text)} |`), '']),
    ...(targets ? ['Takes `--local`, `--stage` and `--as`.', ''] : []),
    `\`--json\`: ${command.json}.`,
    '',
    '```sh',
    ...command.examples.map(({ command: line, shows }) => `${line}    # ${shows}`),
    '```',
    '',
  ];
}

function ownOptions(command: Command): readonly OptionSpec[] {
  return command.options.filter((option) => !TARGET_OPTIONS.includes(option));
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
