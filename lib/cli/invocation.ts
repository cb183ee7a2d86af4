import { parseArgs } from 'node:util';
import { nearest } from '../client/nearest.ts';
import { WfloError } from '../errors.ts';
import { type Command, type OptionSpec, optionsOf } from './command.ts';

/** The words of a command line, checked against its command. */
export interface Invocation {
  /** Throws for a name that the command does not declare: a mistake in the command itself. */
  positional(name: string): string;
  /** The value of an option, undefined where it was not given. */
  value(name: string): string | undefined;
  /** All values of an option or positional with `many`, in order. */
  values(name: string): readonly string[];
  flag(name: string): boolean;
}

/** What a command line asks for. `topic` is a command, the first word of some, or nothing. */
export type Request =
  | { readonly kind: 'help'; readonly topic: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly command: Command; readonly args: readonly string[] };

/** Finds the command. Throws `usage` with the nearest name for what does not exist. */
export function requestOf(args: readonly string[], commands: readonly Command[]): Request {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h') return { kind: 'help', topic: [] };
  if (first === '--version') return { kind: 'version' };
  if (first === 'help') return { kind: 'help', topic: topicOf(args.slice(1), commands) };
  if (first.startsWith('-')) throw usage(`the command is missing before ${first}`, 'write: wflo <command> [options]');

  // `costs` is a command, and `costs settle` another one.
  const double = commands.find((command) => command.name === `${first} ${second}`);
  if (double !== undefined) return requestFor(double, args.slice(2));
  const single = commands.find((command) => command.name === first);
  if (single !== undefined) return requestFor(single, args.slice(1));
  const group = commands.filter((command) => command.name.startsWith(`${first} `));
  if (group.length === 0) throw unknownCommand(first, commands);
  if (second === undefined || second === '--help' || second === '-h') return { kind: 'help', topic: [first] };
  throw unknownCommand(`${first} ${second}`, group);
}

function requestFor(command: Command, args: readonly string[]): Request {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  if (options.includes('--help') || options.includes('-h')) return { kind: 'help', topic: command.name.split(' ') };
  return { kind: 'run', command, args };
}

function topicOf(words: readonly string[], commands: readonly Command[]): readonly string[] {
  const topic = words.join(' ');
  const exists = commands.some((command) => command.name === topic || command.name.startsWith(`${topic} `));
  if (topic !== '' && !exists) throw unknownCommand(topic, commands);
  return words;
}

function unknownCommand(name: string, commands: readonly Command[]): WfloError {
  const words = commands.map((command) => command.name);
  const near = nearest(name, [...words, ...words.map((word) => word.split(' ')[0] ?? word)]);
  const fix = near === undefined ? '`wflo help` lists the commands' : `did you mean \`wflo ${near}\`?`;
  return usage(`there is no command "${name}"`, fix);
}

/** Parses the words after the command. Throws `usage`: nothing is ever ignored. */
export function invocationOf(command: Command, args: readonly string[]): Invocation {
  const specs = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      specs.map((spec) => [spec.name, { type: spec.value === undefined ? 'boolean' : 'string' }]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, readonly (string | true)[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = specs.find((one) => one.name === token.name && token.rawName === `--${one.name}`);
    if (spec === undefined) throw unknownOption(command, token.rawName, specs);
    const before = values.get(spec.name) ?? [];
    if (before.length > 0 && spec.many === undefined) throw wrong(command, `--${spec.name} is given twice`);
    values.set(spec.name, [...before, optionValue(command, spec, token.value, token.inlineValue ?? false)]);
  }
  checkWords(command, words);
  const missing = specs.find((spec) => spec.required && !values.has(spec.name));
  if (missing !== undefined) throw wrong(command, `--${missing.name} is missing: --${missing.name} ${missing.value}`);
  const texts = (name: string) => (values.get(name) ?? []).filter((value) => value !== true);
  return {
    positional(name) {
      const word = words[command.positionals.findIndex((positional) => positional.name === name)];
      if (word === undefined) throw new Error(`wflo ${command.name} declares no positional ${name}`);
      return word;
    },
    value: (name) => texts(name)[0],
    values(name) {
      const index = command.positionals.findIndex((positional) => positional.name === name);
      return index === -1 ? texts(name) : words.slice(index);
    },
    flag: (name) => values.get(name)?.[0] === true,
  };
}

function optionValue(command: Command, spec: OptionSpec, value: string | undefined, inline: boolean): string | true {
  if (spec.value === undefined) {
    if (value !== undefined) throw wrong(command, `--${spec.name} takes no value, and got "${value}"`);
    return true;
  }
  // `--input --wait`: the value was forgotten. One that does begin with dashes is written `--input=--x`.
  if (value === undefined || value === '' || (!inline && value.startsWith('--'))) {
    throw wrong(command, `--${spec.name} needs a value: --${spec.name} ${spec.value}`);
  }
  return value;
}

function checkWords(command: Command, words: readonly string[]): void {
  const missing = command.positionals[words.length];
  if (missing !== undefined && !missing.many) throw wrong(command, `<${missing.name}> is missing`);
  if (command.positionals.at(-1)?.many) return;
  const extra = words[command.positionals.length];
  if (extra !== undefined) throw wrong(command, `"${extra}" is one word too many`);
}

function unknownOption(command: Command, rawName: string, specs: readonly OptionSpec[]): WfloError {
  const near = nearest(
    rawName,
    specs.map((spec) => `--${spec.name}`),
  );
  const message = `wflo ${command.name} has no option ${rawName}`;
  return near === undefined ? wrong(command, message) : usage(message, `did you mean ${near}?`);
}

function wrong(command: Command, message: string): WfloError {
  return usage(message, `\`wflo ${command.name} --help\` shows how it is used`);
}

export function usage(message: string, fix: string): WfloError {
  return new WfloError('usage', message, { fix });
}
