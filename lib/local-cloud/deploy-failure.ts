import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import { lastLines } from './run-command.ts';

const FAILED_RESOURCE =
  /\|\s*(?:CREATE|UPDATE|DELETE)_FAILED\s*\|\s*((?:AWS|Custom|Alexa)::[A-Za-z0-9:]+)\s*\|\s*(.+?)\s*$/;
const RESOURCE_EVENT = /^(\S+)\s*\|.*\|\s*([A-Z_]+)\s*\|\s*((?:AWS|Custom|Alexa)::[A-Za-z0-9:]+)\s*\|\s*(.+?)\s*$/;
/** What follows from another failure, and does not explain one. */
const CONSEQUENCE = /Resource (?:creation|update|deletion) cancelled|The following resource\(s\) failed/i;
/** Lines that CDK itself marks as an error. */
const MARKED = /^(?:❌|‣|\[Error|Error:|.*\bError:|.*\bValidationError\b)/;
const NOISE =
  /^(?:\s+at |Node\.js v|Source Location:|.*\.\.\.node internals|.*CloudTrail delivery can lag|\d+ feature flags)/;

/**
 * The reasons in what the CDK printed, at most `limit` lines: those of failed resources where there are any, else the
 * lines that are marked as errors, else the last ones.
 */
export function deployFailureReasons(output: string, limit = 8): readonly string[] {
  const lines = withoutColours(output).split(/\r?\n/);
  const resources = unique(
    lines.flatMap((line) => {
      const match = FAILED_RESOURCE.exec(line);
      return match === null || CONSEQUENCE.test(line) ? [] : [`${match[1]} ${match[2]}`];
    }),
  );
  if (resources.length > 0) return resources.slice(0, limit);
  const marked = unique(lines.map((line) => line.trim()).filter((line) => MARKED.test(line) && !NOISE.test(line)));
  if (marked.length > 0) return marked.slice(0, limit);
  return lastLines(lines.filter((line) => !NOISE.test(line)).join('\n'), limit);
}

/**
 * The error with which the app itself refused to be synthesised, such as findings in a workflow definition: as Node
 * prints what nobody catches, the message up to the first line of the stack, then the fields. Undefined where the
 * failure was another one.
 */
export function uncaughtWfloError(output: string): { readonly code: ErrorCode; readonly message: string } | undefined {
  const match = /^WfloError: ([\s\S]*?)\n {4}at [\s\S]*?^ {2}code: '([a-z_]+)'/m.exec(withoutColours(output));
  const [, message, code] = match ?? [];
  if (message === undefined || code === undefined || !isErrorCode(code)) return undefined;
  return { code, message };
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/**
 * Resources that were begun and not finished, for a deployment that did not end. CDK prints the events of one moment
 * newest first, so a resource counts as begun only where nothing else was ever said of it.
 */
export function unfinishedResources(output: string, limit = 8): readonly string[] {
  const begun = new Set<string>();
  const ended = new Set<string>();
  for (const line of withoutColours(output).split(/\r?\n/)) {
    const [, stack, status = '', type, name] = RESOURCE_EVENT.exec(line) ?? [];
    if (stack === undefined || type === 'AWS::CloudFormation::Stack') continue;
    (status.endsWith('IN_PROGRESS') ? begun : ended).add(`${type} ${name} in ${stack}`);
  }
  return [...begun].filter((resource) => !ended.has(resource)).slice(0, limit);
}

function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals begin with one
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
